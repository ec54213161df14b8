"""What killed processes leave behind is put right by the next start, and by no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKED = "schema: '2.0'\nstages:\n  a:\n    cmd: echo a\n    outs:\n    - path: o\n      md5: abc\n"


@pytest.fixture
def restart(tmp_path, monkeypatch):
    """The module, in an empty project."""
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    monkeypatch.chdir(tmp_path)
    import restart as module

    Path(".dvc/tmp").mkdir(parents=True)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    return module


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".snakemake/locks/0.input.lock", "results/x"),
        (".dvc/tmp/rwlock", '{"write": {"/a": {"pid": 1, '),
        (".dvc/tmp/rwlock", ""),
        ("dvc.lock", LOCKED[:-30]),
        ("dvc.lock", LOCKED + "  b:\n    cm"),
        ("dvc.lock", LOCKED + "  b: {cmd: [x, "),
    ],
)
def test_what_was_left_half_done_is_removed(restart, path, content):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)
    with restart.hold_the_project():
        assert restart.put_right() == [path]
        assert not Path(path).exists()
        assert restart.put_right() == []


def test_what_is_whole_stays(restart):
    Path("dvc.lock").write_text(LOCKED)
    Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {}, "read": {}}))
    with restart.hold_the_project():
        assert restart.put_right() == []
    assert Path("dvc.lock").read_text() == LOCKED
    assert Path(".dvc/tmp/rwlock").exists()


def test_what_is_just_being_written_stays(restart, monkeypatch):
    """A dvc that was started by hand writes dvc.lock in place."""
    Path("dvc.lock").write_text(LOCKED[:-30])
    monkeypatch.setattr(restart.time, "sleep", lambda _: Path("dvc.lock").write_text(LOCKED))
    with restart.hold_the_project():
        assert restart.put_right() == []
    assert Path("dvc.lock").read_text() == LOCKED


def test_the_second_start_leaves_and_a_dead_one_holds_nothing(restart):
    code = (
        f"import sys, time; sys.path.insert(0, {str(ROOT / 'workflow')!r})\n"
        "import restart; lock = restart.hold_the_project(); print('held', flush=True)\n"
        "time.sleep(60 * (sys.argv[1] == 'stay'))"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, "stay"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "held\n"
        second = subprocess.run(
            [sys.executable, "-c", code, "go"], capture_output=True, text=True, check=False
        )
        assert second.returncode == 2
        assert f"already running here (process {first.pid} holds" in second.stderr
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    with restart.hold_the_project() as lock:
        assert lock.name == str(restart.LOCK)
        lock.seek(0)
        assert lock.read() == str(os.getpid())
