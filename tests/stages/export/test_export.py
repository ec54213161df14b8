"""An exported file gives what the network gives, for any number of images, or is not written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from nassl.data.images import open_images
from nassl.files import InputError, read_json
from nassl.genotypes import read_genotype
from nassl.loading import load
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


def raw(digits, count):
    return open_images(digits / "images", "test").batch(range(count))


def pixels(digits, count):
    return raw(digits, count).float() / 255


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


def given(kind, results, digits, count):
    """What a caller has to give for `--input kind`, by hand."""
    images = open_images(digits / "images", "train")
    unit = pixels(digits, count)
    return {
        "uint8": raw(digits, count),
        "unit": unit,
        "normalised": (unit - images.mean.view(1, 3, 1, 1)) / images.std.view(1, 3, 1, 1),
    }[kind]


SAID = {
    "uint8": "uint8 (B, 3, 16, 16), pixels from 0 to 255, to features",
    "unit": "float32 (B, 3, 16, 16), pixels divided by 255, from 0 to 1, to features",
    "normalised": "float32 (B, 3, 16, 16), pixels divided by 255, less mean, divided by deviation,",
}
IN_GRAPH = {
    "uint8": ["range", "mean", "deviation"], "unit": ["mean", "deviation"], "normalised": [],
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_onnx_file_gives_the_pretrained_features(results, digits, tmp_path, capsys, kind):
    import onnxruntime

    out = tmp_path / "network.onnx"
    main(["--run", "pretrain/s", "--format", "onnx", "--out", str(out), "--input", kind])
    assert SAID[kind] in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    expected = expected_features(results, digits, 7)
    for count in (7, 1):
        found = session.run(None, {"pixels": given(kind, results, digits, 7).numpy()[:count]})[0]
        np.testing.assert_allclose(found, expected[:count], rtol=1e-4, atol=1e-5)
    notes = session.get_modelmeta().custom_metadata_map
    assert json.loads(notes["genotype"])["space"] == "cell"
    assert notes["run"] == "pretrain/s"
    assert "classes" not in notes
    rule, images = json.loads(notes["preprocessing"]), open_images(digits / "images", "train")
    assert (rule["side"], rule["crop"], rule["channel_order"]) == (16, 16, "RGB")
    assert rule["mean"] == pytest.approx(images.mean.tolist())
    assert rule["deviation"] == pytest.approx(images.std.tolist())
    assert rule["in_graph"] == IN_GRAPH[kind]
    beside = read_json(tmp_path / "network.onnx.json")
    assert beside["preprocessing"] == rule
    assert beside["model"] == read_json(results / "pretrain/s/model.json")
    names = sorted(path.name for path in tmp_path.glob("network.onnx*"))
    assert names == ["network.onnx", "network.onnx.json"]


def test_pixels_of_the_wrong_kind_are_refused_by_the_runtime(results, digits, tmp_path):
    import onnxruntime

    for form, name in (("onnx", "network.onnx"), ("torch.export", "network.pt2")):
        main(["--run", "pretrain/s", "--format", form, "--out", str(tmp_path / name)])
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    with pytest.raises(Exception, match=r"Unexpected input data type\. Actual: \(tensor\(float"):
        session.run(None, {"pixels": pixels(digits, 2).numpy()})
    module = torch.export.load(tmp_path / "network.pt2").module()
    with pytest.raises(Exception, match=r"Expected: Byte, Got: float"):
        module(pixels(digits, 2))


@pytest.mark.parametrize("kind", SAID)
def test_torch_export_file_gives_the_retrained_logits(results, digits, tmp_path, kind):
    out = tmp_path / "network.pt2"
    main(["--run", "retrain/s", "--format", "torch.export", "--out", str(out), "--input", kind])
    notes = {"classes.txt": "", "genotype.txt": "", "preprocessing.txt": ""}
    program = torch.export.load(out, extra_files=notes).module()
    found = program(given(kind, results, digits, 7))
    assert found.shape == (7, 10)
    assert json.loads(notes["classes.txt"]) == [str(digit) for digit in range(10)]
    assert read_json(tmp_path / "network.pt2.json")["classes"][3] == "3"
    rule = json.loads(notes["preprocessing.txt"])
    assert (rule["type"], rule["in_graph"]) == (SAID[kind].partition(" ")[0], IN_GRAPH[kind])
    loaded = load(results / "retrain/s")
    with torch.no_grad():
        expected = loaded.classifier(loaded.network(loaded.preprocess(raw(digits, 7))))
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
