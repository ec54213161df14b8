"""The study's plan: enough architectures, trained and scored as its questions need."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from nassl.settings import SettingsError, Size
from stages.plan.__main__ import as_text, plan
from stages.plan.estimate.phases import phases
from stages.report.evidence.asked import typed_report
from stages.runs.run import resolve_run


@pytest.fixture(scope="module")
def study() -> dict:
    return plan(["paper=study"])


def test_its_scale_is_its_own_unless_another_is_given(study):
    assert study["report"]["scale"] == "study"
    assert plan(["scale=smoke", "paper=study"])["report"]["scale"] == "smoke"
    assert as_text(study, ["paper=study"])  # what DVC, Snakemake and a stage read is the same


def test_every_cell_is_scored_with_and_without_labels_and_trained_with_seeds_of_its_own(study):
    trained = Counter(line["architecture"] for line in study["retrain"].values())
    assert min(trained.values()) >= 3
    seeds = {
        (line["architecture"], line["network"], line["seed"]) for line in study["retrain"].values()
    }
    assert len(seeds) == len(study["retrain"])
    scored = Counter()
    for line in study["score"].values():
        scored[line["search"], line["labels"]] += 1
    for method, least in (("random", 24), ("ssnas", 8), ("darts-first", 8)):
        cells = [f"{method}-digits-s{seed}" for seed in range(least)]
        for cell in cells:
            assert trained[f"search/{cell}"] >= 3
            assert (scored[cell, "labels"], scored[cell, "no-labels"]) == (1, 1)
        pretrained = {line["architecture"] for line in study["pretrain"].values()}
        assert {f"search/{cell}" for cell in cells} <= pretrained


def test_what_is_scored_besides_belongs_to_scores_without_labels(study):
    for line in study["score"].values():
        assert line.get("beside", False) == (line["labels"] == "no-labels")


def test_probes_with_other_labels_read_the_same_weights(study):
    rows = study["report"]["study"]["labels"]
    assert [(row["row"], row["init"]) for row in rows[:2]] == [
        ("1 % of labels", "pretrained"),
        ("1 % of labels", "random weights"),
    ]
    read = [
        [study["probe"][run.partition("/")[2]]["pretrain"] for run in row["runs"]] for row in rows
    ]
    assert all(names == read[0] for names in read)
    assert set(read[0]) <= {
        study["probe"][run.partition("/")[2]]["pretrain"]
        for row in study["report"]["study"]["representations"]
        for run in row["runs"]
    }


def test_evolutions_have_three_starts_and_pairs_share_their_seed(study):
    starts = Counter(line.get("initial") for line in study["search"].values())
    assert starts["random"] >= 3
    assert starts["resnet50"] >= 3
    assert starts["search/proxyless-digits-s0"] >= 3
    seeds = [
        {line["seed"] for line in study["search"].values() if line["strategy"] == strategy}
        for strategy in ("darts-first-one-set", "darts-first")
    ]
    assert len(seeds[0]) >= 6
    assert seeds[0] <= seeds[1]


def test_the_report_is_given_every_group(study):
    tables = typed_report(study["report"]).study
    assert list(tables) == ["cells", "dense", "blocks", "representations", "labels", "few"]
    cells = tables["cells"][0]
    assert (cells.row, len(cells.runs), len(cells.scored)) == ("random cells", 72, 2)
    assert {run.partition("/")[0] for row in tables["few"] for run in row.runs} == {"search"}


def test_labels_have_nothing_beside_them():
    changed = "+papers.study.selections.random-by-accuracy.beside=true"
    with pytest.raises(SettingsError, match=r"s0\.?.*beside is true; only a contrastive score"):
        plan(["paper=study", changed])


def test_the_estimate_counts_what_is_judged_after_parts_of_the_budget(study):
    run = resolve_run("score", "random-by-contrast-digits-s0", study, "the plan")
    alone = replace(run, line=replace(run.line, beside=False))
    size = Size(1000, 2000, 1000, 10)
    (judged,), (once,) = phases(run, size), phases(alone, size)
    # Twice more four draws of two views of the 500 images that are held out.
    assert judged.passes - once.passes == 2 * 4 * 2 * 500
