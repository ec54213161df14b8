"""What `make watch` says of a graph, from files as runs leave them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import pytest
import yaml

from stages.plan.__main__ import plan
from stages.plan.estimate.left import START, run_seconds, seconds_left
from stages.plan.written import as_text
from stages.runs.lines import RUNS, results_folder

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow"))
import how_far
import watch
from how_far import Progress, Running, Watch, in_words
from locks import JobLock

OVERRIDES = ["scale=smoke", "only=[ssnas.table1]", "recipe.retrain.epochs=10"]
RETRAINED = "retrain/ssnas-digits-s0"


@pytest.fixture(scope="module")
def params():
    return plan(OVERRIDES)


@pytest.fixture
def project(params, tmp_path, monkeypatch):
    """A folder with the plan, in which all runs are finished, as dvc.lock says."""
    monkeypatch.chdir(tmp_path)
    write(params)
    entries = {}
    for stage in RUNS:
        for name, line in params[stage].items():
            folder = Path("results", results_folder(stage, name, line))
            folder.mkdir(parents=True)
            (folder / "cost.json").write_text('{"seconds": 100.0}')
            values = {f"{stage}.{name}": line}
            if stage == "retrain":
                values["recipe.retrain"] = params["recipe"]["retrain"]
            entries[f"{stage}@{name}"] = {
                "params": {"params.yaml": values}, "outs": [{"path": str(folder)}],
            }  # fmt: skip
    Path("results/report.html").write_text("")
    deps = [{"path": "params.yaml", "md5": plan_hash()}, {"path": "stages/report", "md5": "0"}]
    entries["report"] = {"deps": deps, "outs": [{"path": "results/report.html"}]}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": entries}))
    return params


def write(params):
    Path("params.yaml").write_text(as_text(params, OVERRIDES))


def plan_hash():
    return hashlib.md5(Path("params.yaml").read_bytes()).hexdigest()


def not_done():
    progress = Watch().look()
    return set(progress.jobs) - progress.done


def test_what_dvc_lock_says_counts_where_the_plan_has_the_same_values(project):
    assert not_done() == set()
    changed = project["recipe"]["retrain"] | {"epochs": 3}
    write(project | {"recipe": project["recipe"] | {"retrain": changed}})
    assert not_done() == {*(f"retrain/{name}" for name in project["retrain"]), "report"}


def test_a_removed_result_and_what_follows_from_it_are_left(project):
    Path("results/select/ssnas-digits/cost.json").unlink()
    Path("results/select/ssnas-digits").rmdir()
    assert not_done() == {"select/ssnas-digits", RETRAINED, "report"}
    Path("dvc.lock").unlink()
    assert not_done() == {f"{stage}/{name}" for stage in RUNS for name in project[stage]} | {
        "report"
    }


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (1e-05, "1e-05", True), (1e-05, "2e-05", False), (0.5, "half", False), (1.0, 1, True),
        ({"a": [1, 1e-05]}, {"a": [1, "1e-05"]}, True), ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False), (None, 3, False),
    ],
)  # fmt: skip
def test_values_are_compared_as_numbers(ours, theirs, same):
    assert how_far._same(ours, theirs) is same


def test_while_snakemake_is_at_work_its_flags_count(project, monkeypatch):
    monkeypatch.setattr(how_far, "snakemake_at_work", lambda: True)
    Path(".snakemake/dvc").mkdir(parents=True)
    Path(".snakemake/dvc/search@ssnas-digits-s0.done").touch()
    progress = Watch().look()
    assert progress.done == {"search/ssnas-digits-s0"}
    assert progress.at_work
    assert progress.estimating


def test_the_process_that_holds_the_project_has_to_be_a_snakemake(project):
    assert not how_far.snakemake_at_work()
    Path(".snakemake").mkdir()
    for text in ("", str(os.getpid()), "999999999"):
        Path(".snakemake/main.lock").write_text(text)
        assert not how_far.snakemake_at_work()


@pytest.fixture
def retraining(project):
    """One run at work, of whose 10 epochs the curves have 3; started 40 min ago, saved 10 s ago."""
    metrics = Path("results", RETRAINED, "curves/plots/metrics")
    metrics.mkdir(parents=True)
    rows = "".join(f"{epoch}\t{3.25 - epoch}\n" for epoch in range(3))
    (metrics / "train_loss.tsv").write_text("step\ttrain_loss\n" + rows)
    (metrics / "learning_rate.tsv").write_text("step\tlearning_rate\n0\t0.1\n")
    checkpoint = Path(".checkpoints", RETRAINED, "training.ckpt")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(json.dumps({"seconds": 80.0}).encode() + b"\n\x80\xff")
    name = RETRAINED.replace("/", "@")
    with JobLock(name) as lock:
        now = time.time()
        curves = [(path, 5) for path in metrics.iterdir()]
        for path, age in ((lock.path, 2400), (checkpoint, 10), *curves):
            os.utime(path, (now - age, now - age))
        yield metrics


def test_a_running_training_shows_its_newest_curves(retraining):
    progress = Watch().look()
    (run,) = progress.running
    assert (run.name, run.place) == (RETRAINED, "epoch 3 of 10, for 40 min")
    assert run.values == "train_loss 1.25"
    assert run.part == 0.3
    assert run.seconds == pytest.approx(85, abs=0.01)
    assert RETRAINED not in progress.done


def test_curves_of_a_former_start_are_not_shown(retraining):
    before = time.time() - 3000
    for path in retraining.iterdir():
        os.utime(path, (before, before))
    (run,) = Watch().look().running
    assert (run.place, run.values, run.part) == ("for 40 min", "", 0.0)


def test_the_rest_follows_the_estimate_and_the_pace(retraining, monkeypatch):
    looked = Watch()
    looked.estimated = dict.fromkeys(looked.runs, 10.0)
    Path(".snakemake/dvc").mkdir(parents=True)
    monkeypatch.setattr(how_far, "snakemake_at_work", lambda: True)
    for name in looked.runs:
        Path(how_far.flag(name.replace("/", "@"))).touch()
    other = next(name for name in looked.runs if name.startswith("retrain/") and name != RETRAINED)
    # At this pace the run takes 85 / 0.3 s, three others took 100 s; all were estimated alike.
    pace = (85 / 0.3 + 300) / 4
    assert looked.look().left == pytest.approx(0.7 * pace + 2 * START, abs=0.1)
    Path(how_far.flag(other.replace("/", "@"))).unlink()
    pace = (85 / 0.3 + 200) / 3
    assert looked.look().left == pytest.approx(1.7 * pace + 3 * START, abs=0.1)


# ------------------------------------------------------------------ the time that is left ----


def left(params, taken, done=(), parts=(), at_once=1, **estimated):
    """Of the searches and their scores; other runs take no time."""
    seconds = {f"{stage}/{name}": 0.0 for stage in RUNS for name in params[stage]}
    for name in seconds:
        seconds[name] = estimated.get(name.partition("/")[0], 0.0)
    rest = [name for name in seconds if not name.startswith(("search/ssnas", "score/ssnas"))]
    return seconds_left(params, seconds, taken, {*rest, *done}, dict(parts), at_once)


def test_a_stage_is_scaled_by_its_own_runs_or_by_all(params):
    first, second = "search/ssnas-digits-s0", "search/ssnas-digits-s1"
    scores = ["score/ssnas-digits-s0", "score/ssnas-digits-s1"]
    estimates = {"search": 10.0, "score": 1.0}
    assert left(params, {}, **estimates) is None
    taken = {first: 30.0}
    three = {"done": [first], **estimates}
    assert left(params, taken, **three) == pytest.approx(30 + 2 * 3 + 4 * START)
    taken[scores[0]] = 7.0
    three["done"].append(scores[0])
    assert left(params, taken, **three) == pytest.approx(30 + 7 + 3 * START)
    assert left(params, taken, parts={second: 0.9}, **three) == pytest.approx(3 + 7 + 3 * START)
    assert left(params, taken, **three, at_once=2) == pytest.approx(37 + 3 * START)  # one chain
    # Two chains, one after the other or at the same time.
    assert left(params, taken, **estimates) == pytest.approx(2 * 37 + 5 * START)
    assert left(params, taken, **estimates, at_once=2) == pytest.approx(37 + 3 * START)


def test_decoding_says_nothing_of_the_pace_of_training(params):
    estimates = {"prepare": 7.0, "search": 10.0}
    seconds = {f"{stage}/{name}": 0.0 for stage in RUNS for name in params[stage]}
    seconds |= {name: estimates.get(name.partition("/")[0], 0.0) for name in seconds}
    first, second = (f"search/ssnas-digits-s{seed}" for seed in range(2))
    rest = [name for name in seconds if name not in (first, second)]
    prepared = {"prepare/digits": 70.0}
    assert seconds_left(params, seconds, prepared, rest, {}, 1) is None
    rest.remove("prepare/digits")
    found = seconds_left(params, seconds, {first: 1.0}, [*rest, first], {}, 1)
    assert found == pytest.approx(7 + 1 + 3 * START)


def test_nothing_to_train_needs_no_pace(params):
    assert left(params, {}) == pytest.approx(5 * START)


def test_the_estimate_is_that_of_the_plan(params, monkeypatch):
    from stages.plan.estimate import machine, rates, run
    from stages.runs.run import resolve_run

    assert START == machine.START_SECONDS + machine.SETUP_SECONDS
    monkeypatch.setattr(rates, "measured_rates", lambda threads: rates.Rates(1e9, 1e9, 1e-5))
    found = run_seconds(params)
    assert list(found) == [f"{stage}/{name}" for stage in RUNS for name in params[stage]]
    work = run.run_work(resolve_run("retrain", "ssnas-digits-s0", params, "the plan"), params)
    assert found[RETRAINED] == work.flops / 1e9 + work.bytes / 1e9 + work.calls * 1e-5 > 0
    assert found["prepare/digits"] == 0


# -------------------------------------------------------------------------- what is said ----


def said(**given):
    jobs = ["search/a", "search/b", "report"]
    now = time.mktime((2026, 11, 27, 12, 0, 0, 0, 0, -1))
    return list(watch.lines(Progress(jobs, **{"done": {"search/a"}} | given), now))


def test_one_line_says_how_far_the_graph_is():
    running = [Running("search/b", "epoch 3 of 10, for 40 s", "train_loss 1.25", 0.3, 85.0)]
    assert said(running=running, left=750.0) == [
        "1 of 3 jobs done, 1 running, 1 left; about 12 min to go, until 12:12",
        "  search/b  epoch 3 of 10, for 40 s  train_loss 1.25",
    ]
    (line, _) = said(running=running, left=2.5 * 86400)
    assert line.endswith("about 2.5 days to go, until Mon 30 Nov, 00:00")
    assert said(running=running)[0].endswith(
        "; the end is known once a training has saved or ended"
    )
    assert said(running=running, estimating=True)[0].endswith("; the end is being estimated")
    assert said(at_work=False) == [
        "1 of 3 jobs done, 0 running, 2 left; nothing is at work: `snakemake --cores all` goes on"
    ]
    assert said(done={"search/a", "search/b", "report"}) == ["3 of 3 jobs done"]


def test_times_in_words():
    words = [in_words(seconds) for seconds in (5, 89, 100, 5399, 5400, 126_000, 216_000)]
    assert words == ["5 s", "89 s", "2 min", "90 min", "1.5 hours", "35.0 hours", "2.5 days"]


def test_elsewhere_than_on_a_terminal_it_is_said_once(project, capsys, monkeypatch):
    monkeypatch.setattr(Watch, "estimate", lambda self: None)
    watch.main()
    jobs = sum(len(project[stage]) for stage in RUNS) + 1
    assert capsys.readouterr().out == f"{jobs} of {jobs} jobs done\n"


def test_without_a_plan_it_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        watch.main()
    assert capsys.readouterr().err == (
        "watch: params.yaml is no plan; write it with `python -m stages.plan`\n"
    )
