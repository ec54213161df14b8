"""A changed byte in a stage's output is noticed by the next stage, named, and can be repaired."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nassl.files import InputError, write_json
from nassl.manifest import MANIFEST, file_hashes, verify, write_manifest
from nassl.training.cost import Cost
from stages.runs.command import stage_command


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    (folder / "curves").mkdir(parents=True)
    (folder / "curves/loss.tsv").write_text("step\tloss\n0\t1.5\n")
    (folder / "weights").write_bytes(bytes(range(256)))
    write_json(folder / "metrics.json", {"accuracy": 0.5})
    Cost().write(folder)
    write_manifest(folder, "probe@s")
    return folder


def flip(path: Path, place: int = -2) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_what_was_written_passes_as_a_whole_and_file_by_file(run):
    verify(run)
    verify(run.parent)
    for path in run.rglob("*"):
        if path.is_file():
            verify(path)


@pytest.mark.parametrize("name", ["weights", "metrics.json", "curves/loss.tsv"])
def test_a_flipped_byte_is_named_with_both_hashes_and_the_stage(run, name):
    before = file_hashes(run)[name]
    flip(run / name)
    after = file_hashes(run)[name]
    with pytest.raises(InputError) as error:
        verify(run)
    assert str(error.value) == (
        f"{run / name} is not what its stage wrote: its sha256 is {after}, manifest.json says "
        f"{before}; make it again with `dvc repro --force --single-item probe@s`, no other stage "
        "has to run"
    )


@pytest.mark.parametrize("name", ["manifest.json", "cost.json"])
def test_manifest_and_cost_know_their_own_hash(run, name):
    content = (run / name).read_text()
    digit = re.search(r"(?<=[ .0-9a-f])[0-8]", content)
    changed = content[: digit.start()] + str(int(digit[0]) + 1) + content[digit.end() :]
    (run / name).write_text(changed)
    json.loads(changed)  # still JSON, and still plausible
    for path in (run, run.parent, run / name):
        with pytest.raises(InputError, match=rf"{name} is not what its stage wrote: its sha256 is"):
            verify(path)


def test_every_byte_of_a_small_run_counts(run):
    """No position of any file can change unnoticed, whatever it then looks like."""
    for path in [p for p in run.rglob("*") if p.is_file()]:
        content = path.read_bytes()
        for place in range(len(content)):
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            path.write_bytes(changed)
            try:
                verify(run)
            except InputError:
                continue
            # White space of JSON means the same, and so may the 17th digit of a number.
            assert path.suffix == ".json", (path, place)
            assert json.loads(changed) == json.loads(content), (path, place)
        path.write_bytes(content)
    verify(run)


def test_what_is_missing_or_was_put_there(run):
    (run / "other").write_text("")
    with pytest.raises(InputError, match=r"other is not listed in manifest\.json beside it"):
        verify(run / "other")
    (run / "weights").unlink()
    with pytest.raises(InputError, match=r"weights is missing; make it again with .*probe@s"):
        verify(run)
    (run / MANIFEST).unlink()
    with pytest.raises(InputError, match=r"run has no manifest\.json: its stage did not finish"):
        verify(run.parent)
    verify(run / "metrics.json")  # by hand: nothing to compare with
    verify(run / "nothing-here")  # reported by the code that opens it


# --------------------------------------------------------------- command ----


@pytest.fixture
def stage(tmp_path, plan, monkeypatch):
    """`stage(function)` runs the command `select s` with the folder `run` as its input."""
    monkeypatch.chdir(tmp_path)
    plan()

    def start(function, **options):
        out = tmp_path / "new" / "s"
        arguments = ["s", "--scores", str(tmp_path / "run"), "--out", str(out)]
        stage_command("select", "", ("scores",), function, arguments, **options)
        return out

    return start


def writes(name, content="{}"):
    return lambda run, inputs, out: (out / name).write_text(content)


def test_a_command_compares_its_inputs_before_and_seals_its_outputs_after(run, stage, capsys):
    out = stage(writes("metrics.json"))
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest["maker"] == "select@s"
    assert manifest["files"].keys() == {"metrics.json"}
    assert not (stage(writes("metrics.json"), manifest=True) / "manifest.json.part").exists()
    flip(run / "weights")
    called = []
    with pytest.raises(SystemExit) as end:
        stage(lambda *_: called.append(1))
    assert (end.value.code, called) == (2, [])
    assert "weights is not what its stage wrote" in capsys.readouterr().err


def test_an_output_that_is_being_written_has_no_manifest(run, stage):
    out = stage(writes("metrics.json"))

    def dies(run, inputs, out):
        (out / "metrics.json").write_text("half")
        raise KeyError

    with pytest.raises(KeyError):
        stage(dies)
    assert not (out / MANIFEST).exists()


@pytest.mark.parametrize("number", [28, 122, 27])
def test_a_full_disk_is_said_in_a_line(run, stage, capsys, number):
    def full(run, inputs, out):
        raise OSError(number, "No space left on device", "curves/x.tsv")

    with pytest.raises(SystemExit) as end:
        stage(full)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("select s: no room to write at curves/x.tsv (No space left on device)")
    assert "make room and start the same command again" in said


def test_other_errors_of_the_system_are_not_hidden(run, stage):
    def fails(run, inputs, out):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(PermissionError):
        stage(fails)


def test_json_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    before = path.read_bytes()

    def full(self, text):
        with open(self, "w") as file:
            file.write(text[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"a": 2})
    assert path.read_bytes() == before
