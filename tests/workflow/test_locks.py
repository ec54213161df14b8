"""Which entries in DVC's list of paths in use count, and which do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import dvc.rwlock
import pytest
from dvc.fs import localfs
from dvc.lock import LockError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))
import locks  # noqa: E402

JOB = "workflow/dvc_job.py "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """.dvc/tmp of an empty project."""
    monkeypatch.chdir(tmp_path)
    Path(".dvc/tmp").mkdir(parents=True)
    return Path(".dvc/tmp")


@pytest.fixture
def running():
    """`running("dvc", "repro")` is the number of a process whose command line ends so."""
    started = []

    def start(*words, wait=True):
        code = "import sys, time; print(flush=True); time.sleep(60 * (sys.argv[-1] != 'end'))"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        process.stdout.readline()
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def put(folder, way, path, *entries):
    content = {"read": {}, "write": {}}
    content[way][path] = list(entries) if way == "read" else entries[0]
    (folder / "rwlock").write_text(json.dumps(content))


def lock(folder, job="search@me", read=(), write=("/out",)):
    made = locks.RWLock(job)
    return made, made(str(folder), localfs, JOB + job, list(read), list(write), False)


def test_entries_of_dead_processes_do_not_count(folder, running):
    zombie = running("dvc", "repro", "end")
    end = time.monotonic() + 10
    while "Z" not in Path(f"/proc/{zombie}/stat").read_text().rpartition(")")[2].split()[0]:
        assert time.monotonic() < end
        time.sleep(0.01)
    unrelated = running("sleeping", "beauty")
    dead = [
        {"pid": zombie, "cmd": "dvc repro end"},
        {"pid": unrelated, "cmd": "/usr/bin/dvc repro"},
        {"pid": os.getpid(), "cmd": "/on/another/machine/dvc repro"},
        {"pid": 1, "cmd": "-c"},
        {"pid": 2**22 + 1, "cmd": "dvc status"},  # above Linux' greatest
        {"pid": os.getpid(), "cmd": JOB + "search@gone"},
        {"pid": unrelated, "cmd": JOB + "search@me"},  # of an earlier start, whose lock we hold
    ]
    for entry in dead:
        put(folder, "write", "/out", entry)
        with locks.JobLock("search@me"):
            made, entered = lock(folder)
            with entered:
                assert made.blocked_by == []
                written = json.loads((folder / "rwlock").read_text())["write"]
                assert written == {"/out": {"pid": os.getpid(), "cmd": JOB + "search@me"}}
        assert json.loads((folder / "rwlock").read_text()) == {"write": {}, "read": {}}


def test_entries_of_living_processes_count(folder, running):
    by_hand = {"pid": running("/usr/bin/dvc", "repro", "-f"), "cmd": "/usr/bin/dvc repro -f"}
    # `python -m dvc repro -f`, which DVC notes as the path of its module
    module = {"pid": running("-m", "dvc", "repro", "-f"), "cmd": "/lib/dvc/__main__.py repro -f"}
    job = {"pid": 1, "cmd": JOB + "score@x"}  # on another machine, for example: its lock decides
    with locks.JobLock("score@x"):
        for entry in (by_hand, module, job):
            for way, wanted in (("write", "write"), ("write", "read"), ("read", "write")):
                put(folder, way, "/out/deeper", entry)
                paths = {"read": (), "write": (), wanted: ("/out",)}
                made, entered = lock(folder, **paths)
                with pytest.raises(LockError, match=f"in use: .* .process {entry['pid']}"), entered:
                    pass
                assert made.blocked_by == [entry]
            put(folder, "read", "/out", entry)
            with lock(folder, read=["/out"], write=())[1]:
                pass  # both read
            put(folder, "write", "/outer", entry)
            with lock(folder)[1]:
                pass
    assert [entry["pid"] for entry in locks.commands_by_hand(folder)] == []
    put(folder, "read", "/out", by_hand, job)
    assert locks.commands_by_hand(folder) == [by_hand]


@pytest.mark.parametrize("content", ["", '{"write": {"/a": {"pid": 1, ', '{"write": [1]}', "[]"])
def test_a_half_written_list_is_empty(folder, content):
    (folder / "rwlock").write_text(content)
    with lock(folder)[1]:
        assert "/out" in (folder / "rwlock").read_text()


def test_dvc_reads_what_is_written_and_the_other_way_round(folder):
    with (
        lock(folder, read=["/in", "/code"])[1],
        dvc.rwlock.rwlock(str(folder), localfs, " ".join(sys.argv), ["/in"], ["/other"], False),
    ):
        found = json.loads((folder / "rwlock").read_text())
        assert dvc.rwlock.SCHEMA(found) == found
        assert found["write"].keys() == {"/out", "/other"}
        assert len(found["read"]["/in"]) == 2
        with (
            pytest.raises(LockError, match="busy"),
            dvc.rwlock.rwlock(str(folder), localfs, "dvc y", [], ["/out"], False),
        ):
            pass
        again, inner = lock(folder, read=["/in"])  # as DVC does within a stage
        with inner:
            assert again.blocked_by == []
        assert "/out" in json.loads((folder / "rwlock").read_text())["write"]


HOLDER = """
import subprocess, sys
sys.path.insert(0, {workflow!r})
import locks
with locks.JobLock("search@x") as lock:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lock.fileno()])
    print(child.pid, flush=True)
    child.wait()
"""


def test_the_lock_of_a_job_lasts_as_long_as_what_it_started(folder, capfd, monkeypatch):
    """DVC is killed, its stage keeps running: a second job waits until that has ended."""
    monkeypatch.setattr(locks, "PAUSE", 0.02)
    monkeypatch.setattr(locks, "SAID_EVERY", 3)
    code = HOLDER.format(workflow=str(ROOT / "workflow"))
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    stage = int(holder.stdout.readline())
    assert locks.running_jobs() == {"search@x": f"process {holder.pid} on {os.uname().nodename}"}
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert locks.JobLock("search@x").held
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {stage}"])
    with locks.JobLock("search@x"):
        assert not Path(f"/proc/{stage}").exists() or "Z" in Path(f"/proc/{stage}/stat").read_text()
        assert locks.running_jobs().keys() == {"search@x"}
    killer.wait()
    assert locks.running_jobs() == {}
    said = capfd.readouterr().out
    assert f"search@x is still running from an earlier start (process {holder.pid} on" in said
