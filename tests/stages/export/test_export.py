"""An exported file gives what the network gives, for any number of images, or is not written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from nassl.data.images import open_images
from nassl.files import InputError
from nassl.genotypes import read_genotype
from nassl.networks.build import build_network
from nassl.training.weights import load_weights
from stages.export import formats
from stages.export.__main__ import main
from stages.export.network import read_network
from stages.pretrain.__main__ import pretrain
from stages.retrain.__main__ import retrain
from stages.runs.run import read_run


@pytest.fixture
def results(call, digits, genotype, tmp_path):
    """A results folder with a pretrained and a retrained network of a random cell."""
    (tmp_path / "results" / "prepare").mkdir(parents=True)
    (tmp_path / "results" / "prepare" / "digits").symlink_to(digits)
    inputs = {"images": digits / "images", "genotype": genotype}
    call(pretrain, out="results/pretrain/s", **inputs)
    call(retrain, out="results/retrain/s", labels=digits / "labels", **inputs)
    return tmp_path / "results"


def pixels(digits, count):
    return open_images(digits / "images", "test").batch(range(count)).float() / 255


def expected_features(results, digits, count):
    """By hand: the stage's own reading of the weights, and normalisation as training had it."""
    run, images = read_run("pretrain", "s"), open_images(digits / "images", "train")
    network = build_network(
        read_genotype(results / "pretrain/s/genotype.json"), run.settings["network"], 16
    )
    load_weights(results / "pretrain/s/weights.safetensors", network)
    x = pixels(digits, count)
    with torch.no_grad():
        x = (x - images.mean.view(1, 3, 1, 1)) / images.std.view(1, 3, 1, 1)
        return network.eval()(x).numpy()


def test_onnx_file_gives_the_pretrained_features(results, digits, tmp_path, capsys):
    import onnxruntime

    out = tmp_path / "network.onnx"
    main(["--run", "pretrain/s", "--format", "onnx", "--out", str(out)])
    assert "float32 (B, 3, 16, 16) in 0 to 1 to features" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    found = session.run(None, {"pixels": pixels(digits, 7).numpy()})[0]
    expected = expected_features(results, digits, 7)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    notes = session.get_modelmeta().custom_metadata_map
    assert json.loads(notes["genotype"])["space"] == "cell"
    assert notes["run"] == "pretrain/s"
    assert sorted(path.name for path in tmp_path.glob("network.onnx*")) == ["network.onnx"]


def test_torch_export_file_gives_the_retrained_logits(results, digits, tmp_path):
    out = tmp_path / "network.pt2"
    main(["--run", "retrain/s", "--format", "torch.export", "--out", str(out)])
    notes = {"classes.txt": "", "genotype.txt": ""}
    found = torch.export.load(out, extra_files=notes).module()(pixels(digits, 7))
    assert found.shape == (7, 10)
    assert json.loads(notes["classes.txt"]) == [str(digit) for digit in range(10)]
    with torch.no_grad():
        expected = read_network("retrain/s", results).module(pixels(digits, 7))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_file_that_differs_is_not_written(results, tmp_path, monkeypatch, capsys):
    network = read_network("pretrain/s", results)
    wrong = formats.outputs(network) + 0.01 * formats.outputs(network).abs().max()
    monkeypatch.setattr(formats, "outputs", lambda _: wrong)
    out = tmp_path / "network.pt2"
    with pytest.raises(SystemExit) as caught:
        main(["--run", "pretrain/s", "--format", "torch.export", "--out", str(out)])
    assert caught.value.code == 2
    assert "differ from the original's by" in capsys.readouterr().err
    assert not list(tmp_path.glob("network.pt2*"))


def test_runs_that_are_not_there_or_not_clear_are_named(results):
    with pytest.raises(
        InputError, match=r"no trained network 'pretrain/t'; it has: pretrain/s, re"
    ):
        read_network("pretrain/t", results)
    with pytest.raises(
        InputError, match=r"'s' is a run of pretrain and of retrain; name one: pret"
    ):
        read_network("s", results)
    with pytest.raises(InputError, match=r"tables/best is missing; a plan for your own images"):
        read_network("best", results)
