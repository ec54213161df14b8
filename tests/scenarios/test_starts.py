"""Starts in the states in which users leave a project, and signals that reach a running graph."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress

import pytest
import yaml

from tests.scenarios.chaos import POLL, contents, differences, running
from tests.scenarios.project import Project

STAGES = ("prepare", "search", "score", "select", "retrain")
ALL_CORES = ("snakemake", "--cores", "2")


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    """One row of the plan, finished; a test that changes it has to change it back."""
    project = Project(
        tmp_path_factory.mktemp("row"), "scale=smoke", "only=[ssnas.table1/Random sampling]",
        "recipe.retrain.epochs=5",
    )  # fmt: skip
    project.snakemake()
    project.commit("results")
    return project


@pytest.fixture
def again(row):
    """The same before anything ran, and the expected results: (project, contents)."""
    expected = contents(row.folder / "results", STAGES)
    for place in ("results", ".dvc/cache", "dvc.lock", ".snakemake"):
        row.run("rm", "-rf", place)
    yield row, expected
    row.snakemake()
    assert differences(expected, contents(row.folder / "results", STAGES)) == []


@pytest.fixture
def training_again(row):
    """The same before its last training: what that reads is there."""
    expected = contents(row.folder / "results", STAGES)
    lock = row.folder / "dvc.lock"
    lock.write_text(re.sub(r"(?m)^  retrain@.*\n(    .*\n)+", "", lock.read_text()))
    for entry in [*(row.folder / ".dvc/cache/runs").rglob("*")]:
        if entry.is_file() and "stages.retrain " in entry.read_text():
            shutil.rmtree(entry.parent)
    shutil.rmtree(row.folder / "results" / "retrain")
    yield row
    row.snakemake()
    assert differences(expected, contents(row.folder / "results", STAGES)) == []


@contextmanager
def started(project, *command):
    """A process in its own process group, which is killed at the end."""
    with (project.folder / "start.log").open("w") as log:
        process = subprocess.Popen(
            command or ALL_CORES, cwd=project.folder, env=project.environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(true, process, seconds=300.0):
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < end
        time.sleep(POLL)


# ------------------------------------------------------------ merges, edits ----


@pytest.mark.parametrize("name", ["dvc.lock", "params.yaml"])
def test_a_merge_that_waits_for_its_user_stays_as_it_is(row, name):
    path = row.folder / name
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if line.startswith("  retrain"))
    ours, theirs = lines[place], lines[place].replace("retrain", "others")
    lines[place : place + 1] = ["<<<<<<< HEAD\n", ours, "=======\n", theirs, ">>>>>>> other\n"]
    path.write_text("".join(lines))
    merged = path.read_bytes()
    plan = ("python", "-m", "stages.plan", "scale=smoke")
    toy = ("make", "--old-file=.venv/installed", "toy", "PLAN=scale=smoke")
    commands = [ALL_CORES, ("snakemake", "-n"), ("dvc", "repro"), ("dvc", "status"), toy]
    commands += [plan] if name == "params.yaml" else []
    try:
        for command in commands:
            done = row.attempt(*command)
            assert done.returncode != 0, command
            assert path.read_bytes() == merged, command
            said = " ".join(done.stderr.split())
            assert name in said
            assert f"line {place + 1}" in said
            if command[0] != "dvc":  # whose messages are its own
                assert f"{name}, line {place + 1}: Git's conflict marker; nothing was" in said
                assert f"git checkout --theirs {name}" in said or "`--theirs`" in said
    finally:
        path.write_text(whole)
        row.run("git", "checkout", "--", "params.yaml")  # `make toy` writes another plan
    assert row.stale() == set()


def test_the_beginning_of_a_lock_file_and_what_comes_back(row):
    path = row.folder / "dvc.lock"
    whole = path.read_text()
    path.write_text(whole[: whole.rindex("\n    cmd:") + len("\n    cm")])
    said = row.snakemake()
    assert "it is now dvc.lock.broken-1" in said
    assert "stages are not up to date: 8 come back from DVC's run cache, 0 run" in said
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(whole)
    (row.folder / "dvc.lock.broken-1").unlink()


def test_what_cannot_come_back_is_said_before_it_runs(row, tmp_path):
    """A clone whose results were pulled without the run cache, and its lock file lost."""
    clone = tmp_path / "clone"
    shutil.copytree(row.folder, clone, ignore=shutil.ignore_patterns(".snakemake"))
    for folder in list((clone / ".dvc/cache").rglob("runs")):
        shutil.rmtree(folder)
    (clone / "dvc.lock").rename(clone / "dvc.lock.broken-1")
    done = subprocess.run(
        [*ALL_CORES, "--dry-run"], cwd=clone, env=row.environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert (
        "8 of 8 stages are not up to date: 0 come back from DVC's run cache, 8 run" in done.stderr
    )
    assert "`dvc pull --run-cache` fetches what was pushed" in done.stderr


# ------------------------------------------------------------------ folders ----


@pytest.mark.parametrize("command", [ALL_CORES, ("dvc", "repro")])
def test_results_may_be_removed(row, command):
    """Also those of stages that have no run in this plan."""
    before = contents(row.folder / "results")
    row.run("rm", "-rf", "results")
    row.run(*command)
    assert contents(row.folder / "results") == before
    assert row.stale() == set()
    row.run("make", "clean")
    row.run(*command)
    assert contents(row.folder / "results") == before


@pytest.mark.parametrize("command", [ALL_CORES, ("dvc", "repro")])
def test_a_clone_of_a_committed_plan_runs(row, tmp_path, command):
    clone = tmp_path / "clone"
    row.run("git", "clone", "--quiet", ".", str(clone))
    cache = row.folder / ".dvc" / "cache"
    for words in (("dvc", "cache", "dir", "--local", str(cache)), command):
        done = subprocess.run(
            words, cwd=clone, env=row.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert contents(clone / "results") == contents(row.folder / "results")


def test_a_clock_that_jumps_changes_nothing(row):
    """Dates do not matter: all of them are a year ahead, then one result is missing."""
    row.snakemake()  # makes .snakemake, if the test before removed it
    places = [row.folder / name for name in ("results", ".snakemake", "params.yaml", "dvc.lock")]
    ahead = time.time() + 365 * 86400
    for path in [each for place in places for each in (place, *place.rglob("*"))]:
        os.utime(path, (ahead, ahead), follow_symlinks=False)
    assert "Nothing to be done" in row.snakemake()
    before = contents(row.folder / "results")
    row.run("rm", "-rf", "results/select")
    row.snakemake()
    assert contents(row.folder / "results") == before
    assert row.stale() == set()


# ---------------------------------------------------------------- two at once ----


def test_a_second_start_leaves_and_dvc_by_hand_does_not_disturb(again):
    project, _ = again
    with started(project) as first:
        wait_until(lambda: "retrain" in running(first.pid), first)
        second = project.attempt(*ALL_CORES)
        assert second.returncode == 2
        assert f"Snakemake is already running here (process {first.pid} holds" in second.stderr
        run = "retrain@random-by-accuracy-digits-s0"
        by_hand = project.attempt("dvc", "repro", "--single-item", run)
        assert by_hand.returncode != 0
        assert "is busy, it is being blocked by" in by_hand.stderr
        assert first.wait(120) == 0, (project.folder / "start.log").read_text()[-2000:]
    assert project.stale() == set()


def test_a_start_beside_a_dvc_started_by_hand_says_so(again):
    project, _ = again
    with started(project, "dvc", "repro") as by_hand:
        wait_until(lambda: "score" in running(by_hand.pid), by_hand)
        os.killpg(by_hand.pid, signal.SIGSTOP)  # so that it does not end meanwhile
        beside = project.attempt(*ALL_CORES)
        os.killpg(by_hand.pid, signal.SIGCONT)
        assert beside.returncode == 2
        assert f"repro` (process {by_hand.pid}); wait until it ends, or stop it" in beside.stderr
        assert by_hand.wait(120) == 0


# -------------------------------------------------------------------- signals ----


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGHUP, signal.SIGTERM],
    ids=["Ctrl-C", "closed terminal", "SIGTERM"],
)
def test_a_signal_saves_and_the_next_start_continues(training_again, monkeypatch, number):
    project = training_again
    monkeypatch.setitem(project.environment, "NASSL_CHECKPOINT_SECONDS", "0.2")
    saved = project.folder / ".checkpoints/retrain/random-by-accuracy-digits-s0/training.ckpt"
    with started(project) as process:
        wait_until(saved.exists, process)  # it is in the middle of its training
        os.killpg(process.pid, number)
        sent = time.time()
        assert process.wait(60) != 0
        end = time.monotonic() + 30
        while "retrain" in running(process.pid):
            assert time.monotonic() < end
            time.sleep(POLL)
    assert saved.stat().st_mtime >= sent  # the fixture starts it once more and compares
    if number == signal.SIGINT:
        said = (project.folder / "start.log").read_text()
        assert said.endswith("\nInterrupted: saved; start the same command again to go on.\n")
        assert "Traceback" not in said
        assert "Error" not in said
        log = (project.folder / "logs/retrain/random-by-accuracy-digits-s0.log").read_text()
        assert "retrain random-by-accuracy-digits-s0: saved; start the same command again" in log
        assert "Traceback" not in log


def test_nothing_waits_for_a_clock(row):
    """Of Snakemake's own, which would look for jobs again and again, and keep it from ending."""
    code = (
        "import sys, snakemake.cli\n"
        "from snakemake.scheduling.job_scheduler import JobScheduler\n"
        "JobScheduler._schedule_reevalutation = lambda *_: print('a timer')\n"
        "snakemake.cli.main(sys.argv[1:])"
    )
    said = []
    for rate in ([], ["--max-jobs-per-timespan", "5/1s"]):
        row.run("rm", "-rf", "results/select")
        said.append(row.python("-c", code, *ALL_CORES[1:], *rate))
    assert ["a timer" in text for text in said] == [False, True]
    assert row.stale() == set()


def test_a_failing_job_shows_its_log(row):
    plan = row.folder / "params.yaml"
    whole = plan.read_text()
    assert whole.count("epochs: 5,") == 1
    plan.write_text(whole.replace("epochs: 5,", "epochs: five,"))
    try:
        done = row.attempt(*ALL_CORES)
    finally:
        plan.write_text(whole)
    assert done.returncode != 0
    _, _, shown = done.stderr.partition(
        "\nLogfile logs/retrain/random-by-accuracy-digits-s0.log:\n"
    )
    assert "retrain random-by-accuracy-digits-s0: recipe.retrain" in shown, shown
    assert "five" in shown
    assert re.search(r"^Job \d+: retrain@random-by-accuracy-digits-s0$", done.stderr, re.M)
    row.snakemake()
    assert row.stale() == set()
