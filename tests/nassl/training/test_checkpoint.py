"""Checkpoints: complete, and of exactly this run, or not used at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nassl.files import InputError
from nassl.training.checkpoint import Checkpoints
from nassl.training.cost import Cost


@pytest.fixture
def checkpoints(tmp_path):
    with Checkpoints(tmp_path / "run", "f") as entered:
        yield entered


def test_round_trip_and_the_newest_wins(checkpoints):
    part = checkpoints.part()
    assert part.load() is None
    for value in (1.0, 2.0):
        part.save({"w": torch.full((3,), value), "rows": [{"loss": 0.1}], "epoch": 4})
    state = part.load()
    assert torch.equal(state["w"], torch.full((3,), 2.0))
    assert (state["rows"], state["epoch"]) == ([{"loss": 0.1}], 4)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "no head", "foreign head"])
def test_a_damaged_file_falls_back_to_the_one_before(checkpoints, capsys, damage):
    part = checkpoints.part()
    part.save({"epoch": 1})
    part.save({"epoch": 2})
    content = bytearray(part.last.read_bytes())
    content[-20] ^= 1
    part.last.write_bytes({
        "flip": bytes(content), "truncate": bytes(content[:-100]), "empty": b"",
        "no head": b"garbage\n", "foreign head": b"[1]\n",
    }[damage])  # fmt: skip
    assert part.load()["epoch"] == 1
    assert "damaged checkpoint skipped" in capsys.readouterr().err


def leave(folder, parts):
    """A run that saves and then fails; `parts` maps a part's name to the seconds spent by then."""
    with Checkpoints(folder, "f") as checkpoints:
        for name, seconds in parts.items():
            checkpoints.cost = Cost(seconds)
            checkpoints.part(name).save({"epoch": 1})
        raise KeyError


def test_one_of_other_settings_is_skipped(tmp_path, capsys):
    with pytest.raises(KeyError):
        leave(tmp_path / "run", {"training": 0})
    with Checkpoints(tmp_path / "run", "g") as second:
        assert second.part().load() is None
    assert "it belongs to other settings, inputs or code" in capsys.readouterr().err


def test_a_pickle_is_not_executed(checkpoints):
    part = checkpoints.part()
    part.save({"path": Path("x")})
    with pytest.raises(InputError, match="not an archive of tensors and plain values; not loaded"):
        part.load()


def test_a_full_disk_leaves_the_former_state(checkpoints, monkeypatch):
    part = checkpoints.part()
    part.save({"epoch": 1})

    def full(_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written .*No space left.*is intact"):
        part.save({"epoch": 2})
    assert part.load()["epoch"] == 1
    assert sorted(p.name for p in part.last.parent.iterdir()) == ["lock", "training.ckpt"]


def test_what_is_written_wrong_does_not_replace_what_is_right(checkpoints, monkeypatch):
    part = checkpoints.part()
    part.save({"epoch": 1})

    def lose_the_end(number):
        os.truncate(number, os.fstat(number).st_size - 10)

    monkeypatch.setattr(os, "fsync", lose_the_end)
    with pytest.raises(InputError, match=r"cannot be written \(its hash differs.*is intact"):
        part.save({"epoch": 2})
    assert part.load()["epoch"] == 1


def test_seconds_add_up_and_success_removes_the_folder(tmp_path):
    with pytest.raises(KeyError):
        leave(tmp_path / "run", {"a": 100, "b": 50})
    assert (tmp_path / "run/a.ckpt").exists()
    with Checkpoints(tmp_path / "run", "f") as second:
        assert 100 <= second.cost.seconds < 120
    assert not (tmp_path / "run").exists()


def test_a_second_start_leaves(checkpoints):
    code = (
        "from nassl.training.checkpoint import Checkpoints\n"
        "from pathlib import Path\n"
        f"Checkpoints(Path({str(checkpoints.folder)!r}), 'f').__enter__()"
    )
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert second.returncode != 0
    assert f"already running (process {os.getpid()} holds" in second.stderr


def test_a_second_start_waits_if_it_is_told_to(checkpoints):
    code = (
        "from nassl.training.checkpoint import Checkpoints\n"
        "from pathlib import Path\n"
        f"with Checkpoints(Path({str(checkpoints.folder)!r}), 'f', wait=True) as c:\n"
        "    print(c.part().load())"
    )
    checkpoints.part().save({"epoch": 7})
    second = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = second.stderr.readline()
    assert f"already running (process {os.getpid()} holds" in said
    assert "waiting until it ends" in said
    assert second.poll() is None
    checkpoints._lock.close()  # as at this process's end
    assert second.communicate(timeout=60)[0] == "{'epoch': 7}\n"
    assert second.returncode == 0
    checkpoints.folder.mkdir()  # the second has finished and removed it


CPU = {"device": "cpu (AVX2)", "processes": "1", "torch": "2.14.1"}
GPU = {"device": "NVIDIA H100", "processes": "2", "torch": "2.14.1"}


def start_on(computer, folder):
    """Continues, saves twice, and fails."""
    with Checkpoints(folder, "f", lambda: computer) as moved:
        state = moved.part().load()
        moved.part().save({"epoch": 1})
        moved.part().save({"epoch": 2})
        raise KeyError(state)


def test_a_run_that_moves_to_another_machine_says_so(tmp_path, capsys):
    changed = "device cpu (AVX2), now NVIDIA H100; processes 1, now 2"
    for computer, expected in ((CPU, ""), (GPU, changed), (GPU, "")):
        with pytest.raises(KeyError):
            start_on(computer, tmp_path / "run")
        said = capsys.readouterr().err
        assert (
            f"continues from a checkpoint of another machine ({expected}); bits may differ" in said
        ) == bool(expected)
    assert said == ""  # the third continued on the same machine
    with Checkpoints(tmp_path / "run", "f", lambda: CPU) as back:
        back.part().load()
        back.cost.write(tmp_path)
    cost = json.loads((tmp_path / "cost.json").read_text())
    assert cost["moves"] == [changed, "device NVIDIA H100, now cpu (AVX2); processes 2, now 1"]
    with Checkpoints(tmp_path / "run", "f", lambda: CPU) as fresh:
        assert fresh.part().load() is None
        fresh.cost.write(tmp_path)
    assert "moves" not in json.loads((tmp_path / "cost.json").read_text())


def test_due_keeps_pauses_and_the_cost_low(checkpoints):
    part = checkpoints.part()
    assert not part.due(epoch_ends=True)
    part._saved_at -= 11
    assert part.due(epoch_ends=True)
    assert not part.due(epoch_ends=False)
    part._took = 0.2  # 1 % of the time: every 20 s
    assert not part.due(epoch_ends=True)
    part._saved_at -= 50
    assert part.due(epoch_ends=False)


def test_a_signal_outside_a_training_ends_at_once_and_keeps_the_state(tmp_path):
    former = signal.getsignal(signal.SIGTERM)

    def stopped():
        with Checkpoints(tmp_path / "run", "f") as checkpoints:
            checkpoints.part().save({"epoch": 1})
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as end:
        stopped()
    assert end.value.code == 75
    assert (tmp_path / "run/training.ckpt").exists()
    assert signal.getsignal(signal.SIGTERM) is former


def test_in_a_training_the_second_signal_does_not_wait(checkpoints):
    checkpoints.interruption.deferred = True
    signal.raise_signal(signal.SIGINT)
    assert checkpoints.interruption.requested
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGINT)


def test_two_signals_of_one_event_are_one(checkpoints, monkeypatch):
    """A closed terminal: SIGHUP, and then SIGTERM because DVC has ended."""
    monkeypatch.setattr("nassl.training.interruption.ECHO", 100.0)  # however slow this is
    checkpoints.interruption.deferred = True
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGTERM)
    assert checkpoints.interruption.requested
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGHUP)


def test_a_signal_that_was_ignored_stays_so(tmp_path):
    """`nohup`."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Checkpoints(tmp_path / "run", "f") as checkpoints:
            signal.raise_signal(signal.SIGHUP)
            assert not checkpoints.interruption.requested
    finally:
        signal.signal(signal.SIGHUP, former)


def test_the_interval_can_be_set_from_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    with Checkpoints(tmp_path / "run", "f") as checkpoints:
        assert checkpoints.part().due(epoch_ends=False)
