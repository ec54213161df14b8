"""What killed processes leave behind is repaired by the next start, and only by it."""

from __future__ import annotations

import os
import re
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
    "path",
    [".snakemake/locks/0.input.lock", ".snakemake/incomplete/cmVz", ".snakemake/incomplete/a/b"],
)
def test_snakemakes_marks_of_an_earlier_start_are_removed(restart, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("results/x")
    with restart.hold_the_project():
        assert restart.put_right() == []
    assert not Path(path).exists()


BEGINNINGS = [
    "",
    "schema: '2",
    LOCKED[:-30],
    LOCKED + "  b:\n    cm",
    LOCKED + "  b: {cmd: [x, ",
    LOCKED + "  b:\n    cmd: x\n    deps:\n    - pa",
]


@pytest.mark.parametrize("content", BEGINNINGS)
def test_the_beginning_of_a_lock_file_is_moved_aside(restart, content):
    for number in (1, 2):
        Path("dvc.lock").write_text(content)
        with restart.hold_the_project():
            (said,) = restart.put_right()
        assert "dvc.lock breaks off in the middle of an entry, as a killed `dvc` leaves" in said
        assert f"it is now dvc.lock.broken-{number}. What DVC's run cache holds" in said
        assert not Path("dvc.lock").exists()
        assert Path(f"dvc.lock.broken-{number}").read_text() == content
        with restart.hold_the_project():
            assert restart.put_right() == []


MERGED = LOCKED.replace(
    "    cmd: echo a\n", "<<<<<<< HEAD\n    cmd: echo a\n=======\n    cmd: echo b\n>>>>>>> other\n"
)
EDITED = LOCKED.replace("cmd:", "cmd") + "  b:\n    cmd: echo b\n"
BROKEN = {
    "dvc.lock, merged": (
        "dvc.lock",
        MERGED,
        r"dvc\.lock, line 4: Git's conflict marker; nothing was changed.*--theirs dvc\.lock",
    ),
    "dvc.lock, edited": (
        "dvc.lock",
        EDITED,
        r"dvc\.lock is not a lock file of DVC \(.*line 5.*; nothing was changed.*checkout -- dvc",
    ),
    "dvc.lock, not YAML": (
        "dvc.lock",
        "schema: '2.0'\n\tstages: {}\n" + LOCKED,
        r"dvc\.lock is not a lock file of DVC \(.*\); nothing was changed",
    ),
    "params.yaml, merged": (
        "params.yaml",
        "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n",
        r"params\.yaml, line 2: Git's conflict marker; nothing was changed.*--ours params\.yaml",
    ),
    "params.yaml, edited": (
        "params.yaml",
        "a: [1, 2\nb: 1\n",
        r"params\.yaml is not YAML that Snakemake can read: .*line 2.*Nothing was changed.*Fix",
    ),
    "params.yaml, an anchor twice": (
        "params.yaml",
        "a: [&x {b: 1}, &x {b: 2}]\n",
        r"params\.yaml is not YAML that (Snakemake|DVC) can read: .*anchor",
    ),
}


@pytest.mark.parametrize(("path", "content", "text"), BROKEN.values(), ids=BROKEN)
def test_what_a_person_has_to_fix_is_refused_and_stays(restart, capsys, path, content, text):
    Path(path).write_text(content)
    with restart.hold_the_project(), pytest.raises(SystemExit, match="2"):
        restart.start_again()
    assert re.search(text, capsys.readouterr().err, re.DOTALL)
    assert Path(path).read_text() == content
    assert not list(Path().glob("*.broken*"))


def test_intact_files_stay(restart):
    Path("dvc.lock").write_text(LOCKED)
    Path("params.yaml").write_text("a: 1\n")
    with restart.hold_the_project():
        assert restart.put_right() == []
    assert Path("dvc.lock").read_text() == LOCKED
    assert Path("params.yaml").read_text() == "a: 1\n"


def test_empty_folders_of_the_run_cache_are_removed(restart):
    for name in ("ab/abc", "cd/cde"):
        Path(".dvc/cache/runs", name).mkdir(parents=True)
    Path(".dvc/cache/runs/cd/cde/entry").write_text("x")
    with restart.hold_the_project():
        restart.put_right()
    assert [path.name for path in Path(".dvc/cache/runs").glob("*/*")] == ["cde"]


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
