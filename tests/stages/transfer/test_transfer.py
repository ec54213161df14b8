"""The stage as it is called: its outputs, repeatability, resuming, and error messages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from nassl.files import InputError
from nassl.training.interruption import EXIT_INTERRUPTED
from stages.runs.run import read_run
from stages.transfer import train
from stages.transfer.__main__ import transfer
from tests.conftest import with_changes
from tests.stages.transfer.detectors import CHANGES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stage(call, weights, statistics):
    """`stage(labels, layout, changes, out)` runs the real stage; gives its folder."""

    def run(labels, layout="voc", changes=None, out=None):
        return call(transfer, layout, CHANGES | (changes or {}), out,
                    labels=labels, weights=weights, statistics=statistics)  # fmt: skip

    return run


def read(folder: Path, name: str = "metrics") -> dict:
    return json.loads((folder / f"{name}.json").read_text())


def test_masks_and_boxes_of_coco_are_measured_saved_and_drawn(stage, coco, weights):
    out = stage(coco, "coco")
    metrics = read(out)
    for name in ("AP_box", "AP50_box", "AP75_box", "AP_mask", "AP50_mask", "AP75_mask"):
        assert 0 <= metrics[name] <= 1
        assert 0 <= metrics[f"{name}_untrained"] <= 1
    assert metrics["n"] == 24
    assert metrics["classes"] == 6
    assert metrics["iterations"] == 6
    assert metrics["weights_matched"] > 50
    images = [Image.open(path) for path in sorted((out / "drawings").glob("*.png"))]
    assert len(images) == 12
    assert all(image.width > 2 * 256 for image in images)
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["SOLVER"]["MAX_ITER"] == 6
    assert config["MODEL"]["NETWORK"]["GENOTYPE"] == read(weights, "genotype")
    assert len(list((out / "curves").rglob("total.tsv"))) == 1
    assert read(out, "cost")["device"] == "cpu"
    assert isinstance(read(out, "predictions"), list)
    assert not Path(".checkpoints/transfer/coco").exists()


def test_stopped_anywhere_it_ends_with_the_same_bits(stage, voc, monkeypatch, capsys):
    whole = stage(voc, out="whole")
    assert (
        stage(voc, out="again").joinpath("predictions.json").read_bytes()
        == (whole / "predictions.json").read_bytes()
    )

    step, left = train.Training._step, [4]

    def failing(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the power went out")
        return step(*arguments)

    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    monkeypatch.setattr(train.Training, "_step", failing)
    for taken in (3, 2):
        left[0] = taken
        with pytest.raises(OSError, match="the power went out"):
            stage(voc, out="stopped")
    left[0] = 100
    stopped = stage(voc, out="stopped")
    assert left[0] == 99  # one of six iterations was left
    for name in ("metrics.json", "predictions.json", "config.yaml"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name
    assert 0 < read(stopped, "cost")["waiting_share"] < 1
    curves = {path.name: path.read_bytes() for path in (whole / "curves").rglob("*.tsv")}
    assert curves
    assert curves == {p.name: p.read_bytes() for p in (stopped / "curves").rglob("*.tsv")}


def test_killed_and_terminated_processes_go_on(stage, voc, weights, statistics, tmp_path):
    """A real kill -9, then a SIGTERM, of a real process."""
    changes = CHANGES | {"detection.voc.iterations": 40}
    whole = stage(voc, changes=changes, out="whole")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(with_changes(changes)))
    shutil.rmtree(tmp_path / ".checkpoints", ignore_errors=True)
    command = [sys.executable, "-m", "stages.transfer", "voc", "--labels", str(voc), "--weights",
               str(weights), "--statistics", str(statistics), "--out", "killed"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NASSL_CHECKPOINT_SECONDS": "0"}
    checkpoint = tmp_path / ".checkpoints/transfer/voc/training.ckpt"
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = checkpoint.stat().st_mtime if checkpoint.exists() else 0
        process = subprocess.Popen(command, cwd=tmp_path, env=environment)
        deadline = time.monotonic() + 120
        while not checkpoint.exists() or checkpoint.stat().st_mtime <= before:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        code = process.wait(60)
        assert code == (-signal.SIGKILL if number == signal.SIGKILL else EXIT_INTERRUPTED)
    ended = stage(voc, changes=changes, out="killed")
    for name in ("metrics.json", "predictions.json"):
        assert (ended / name).read_bytes() == (whole / name).read_bytes()


def test_a_loss_that_is_not_finite_stops_the_run(stage, voc):
    with pytest.raises(InputError, match=r"iteration \d of 6: .*; learning rate 1e\+\d\d;"):
        stage(voc, changes={"detection.voc.learning_rate": 1e30})


def test_unusable_inputs_are_refused_before_training(stage, voc, weights, statistics):
    (weights / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="is not a safetensors file"):
        stage(voc)
    statistics.unlink()
    with pytest.raises(
        InputError, match=r"manifest\.json is missing; run the stage that writes it"
    ):
        stage(voc)


def test_detectron2_is_imported_by_no_other_stage():
    for file in [*(ROOT / "stages").rglob("*.py"), *(ROOT / "nassl").rglob("*.py")]:
        if file.parent.name != "transfer":
            assert "import detectron2" not in file.read_text(), file
            assert "from detectron2" not in file.read_text(), file


def test_without_detectron2_it_is_said_how_to_install_it(monkeypatch):
    from stages.transfer import compatibility

    monkeypatch.setattr(compatibility, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Detectron2 is not installed .*nassl\.post-deploy\.sh"):
        compatibility.prepare_detectron2()


def test_a_present_detectron2_is_left_as_it_is(monkeypatch):
    """Every remedy only where something is missing."""
    from types import ModuleType

    import numpy
    from PIL import Image

    from stages.transfer.compatibility import prepare_detectron2

    compiled = ModuleType("detectron2._C")
    monkeypatch.setitem(sys.modules, "detectron2._C", compiled)
    monkeypatch.setattr(Image, "LINEAR", "own", raising=False)
    monkeypatch.setattr(numpy, "float", "own", raising=False)
    prepare_detectron2()
    assert sys.modules["detectron2._C"] is compiled
    assert (Image.LINEAR, vars(numpy)["float"]) == ("own", "own")


def test_the_command_names_what_is_wrong(plan, tmp_path, capsys):
    from stages.transfer.__main__ import main

    plan(CHANGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        with pytest.raises(SystemExit) as caught:
            main(["nothing", "--labels", "x", "--weights", "x", "--statistics", "x", "--out", "o"])
    assert caught.value.code == 2
    assert "params.yaml has no transfer run 'nothing'; available: coco, voc" in (
        capsys.readouterr().err
    )


def test_the_line_names_the_sections_that_are_read(plan):
    run = read_run("transfer", "voc", plan(CHANGES))
    assert run.keys == (
        "transfer.voc", "resources.transfer.threads", "network.resnet50", "detection.voc",
    )  # fmt: skip


def test_two_processes_train_one_detector(call, voc, weights, statistics, tmp_path, monkeypatch):
    """On the CPU, through gloo: batch norm, gradients and tests are shared, and written once."""
    from stages.training.launch import start_on_devices

    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def started(run, inputs, out):
        start_on_devices(transfer, run, inputs, out)

    started.__name__ = "transfer"
    changes = CHANGES | {"resources.transfer.gpus": 2, "detection.voc.devices": 2}
    changes |= {"detection.voc.reference_devices": 2, "detection.voc.learning_rate": 0.01}
    out = call(started, "voc", changes, "two", labels=voc, weights=weights, statistics=statistics)
    metrics = read(out)
    assert metrics["images_per_batch"] == 2
    assert metrics["iterations"] == 6
    assert {p["image_id"] for p in read(out, "predictions")} <= {
        image["image_id"] for image in json.loads((voc / "test.json").read_text())
    }
    assert read(out, "cost")["devices"] == 2
    assert len(list((out / "drawings").iterdir())) == 12
