"""Concurrent jobs on one machine: no two ever share a device; a job that dies releases its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from nassl.settings import SettingsError
from stages.runs.command import stage_command
from stages.runs.lease import VISIBLE, leased_devices

ROOT = Path(__file__).resolve().parents[3]
JOB = """
import json, os, sys, time
from stages.runs.lease import leased_devices
log, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with leased_devices(count) as devices, open(log, "a") as file:
    entry = {"devices": devices, "visible": os.environ["CUDA_VISIBLE_DEVICES"], "from": time.time()}
    print("has them", flush=True)
    time.sleep(seconds)
    file.write(json.dumps(entry | {"to": time.time()}) + "\\n")
"""


@pytest.fixture
def fake_devices(tmp_path, monkeypatch):
    """Three devices that do not exist, and a folder of their own for the locks."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv(VISIBLE, "0,1,MIG-7/2")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "log"


def job(log: Path, count: int, seconds: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(log), str(count), str(seconds)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_twenty_jobs_at_once_never_share_a_device(fake_devices):
    asked = [1 + (number % 4 == 0) for number in range(20)]  # every fourth wants two
    jobs = [job(fake_devices, count, 0.1) for count in asked]
    assert [process.wait(60) for process in jobs] == [0] * 20
    entries = [json.loads(line) for line in fake_devices.read_text().splitlines()]
    assert sorted(len(entry["devices"]) for entry in entries) == sorted(asked)
    used = defaultdict(list)
    for entry in entries:
        assert entry["visible"] == ",".join(entry["devices"])
        for device in entry["devices"]:
            used[device].append((entry["from"], entry["to"]))
    assert set(used) == {"0", "1", "MIG-7/2"}
    for times in used.values():
        times.sort()
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(times))


def test_a_killed_job_gives_its_devices_back(fake_devices):
    killed = job(fake_devices, 3, 60)
    killed.stdout.readline()
    waiting = job(fake_devices, 2, 0)
    time.sleep(0.3)
    assert waiting.poll() is None
    killed.send_signal(signal.SIGKILL)
    assert waiting.wait(10) == 0
    assert killed.wait() == -signal.SIGKILL


def test_more_devices_than_there_are_is_refused(fake_devices):
    with pytest.raises(SettingsError, match=r"asks for 4 GPUs.*shows 3 \(0, 1, MIG-7/2\); lower"):
        leased_devices(4).__enter__()


def test_no_device_leaves_the_run_to_the_cpu(fake_devices, monkeypatch):
    with leased_devices(0) as mine:
        assert mine == []
    monkeypatch.setenv(VISIBLE, "")
    with leased_devices(2) as mine:
        assert mine == []


def test_without_the_variable_the_driver_is_asked(fake_devices, monkeypatch, tmp_path):
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv(VISIBLE)
    with leased_devices(1) as mine:
        assert mine == ["GPU-a"]
        monkeypatch.delenv(VISIBLE)  # another job
        with leased_devices(1) as others:
            assert others == ["GPU-b"]
        os.environ[VISIBLE] = "GPU-a"
    assert VISIBLE not in os.environ


def test_slurm_jobs_have_devices_of_their_own(fake_devices, monkeypatch):
    monkeypatch.setenv(VISIBLE, "0")
    monkeypatch.setenv("SLURM_JOB_ID", "11")
    with leased_devices(1) as first:
        monkeypatch.setenv("SLURM_JOB_ID", "12")  # device 0 of this job is another one
        with leased_devices(1) as second:
            assert first == second == ["0"]


def test_a_stage_runs_with_its_devices_only(fake_devices, plan, monkeypatch):
    seen = []
    path = plan({"resources.search.gpus": 2})
    monkeypatch.chdir(path.parent)
    stage_command(
        "search", "", (), lambda *_: seen.append(os.environ[VISIBLE]), ["s", "--out", "out"]
    )
    assert seen == ["0,1"]
    assert os.environ[VISIBLE] == "0,1,MIG-7/2"
