"""Reading of what the runs left: curves, genealogies, pictures, costs; what is refused."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from PIL import Image

from nassl.files import InputError
from stages.report.architectures import architectures
from stages.report.costs import duration, row_costs, stage_costs, upstream
from stages.report.curves import search_curves
from stages.report.detections import PICTURES, SIDE, detections
from stages.report.evidence import Evidence, read_evidence
from stages.report.genealogy import former, genealogies
from stages.report.margins import margin_figures
from stages.report.settings import read_report


@pytest.fixture
def evidence(full_project: Path) -> Evidence:
    return read_evidence(full_project / "results", full_project / "params.yaml")


def test_a_curve_counts_epochs_from_one(evidence):
    points = evidence.curve("search", "ssnas-digits-s0", "entropy_normal")
    assert points == [(1, 2.0), (2, 1.5), (3, 1.0)]
    assert evidence.curve("search", "ssnas-digits-s0", "skip_connections") == []


def test_a_file_that_is_not_a_curve_is_named(evidence):
    folder = evidence.results / "search/ssnas-digits-s0/curves/plots/metrics"
    (folder / "train_loss.tsv").write_text("epoch\tloss\n0\t1.0\n")
    with pytest.raises(InputError, match=r"train_loss.tsv has no columns 'step' and 'train_loss'"):
        evidence.curve("search", "ssnas-digits-s0", "train_loss")


def test_methods_are_named_without_data_and_seed(evidence):
    assert evidence.method("search", "ssnas-digits-s1") == "ssnas"
    lines = {"ssnas-digits-b32-s1": {"data": "digits", "seed": 1}}
    assert Evidence(Path(), {"pretrain": lines}).method("pretrain", "ssnas-digits-b32-s1") == (
        "ssnas-b32"
    )


def test_results_of_an_earlier_plan_are_not_looked_at(evidence):
    old = evidence.results / "search/old-digits-s0"
    old.mkdir()
    (old / "genealogy.json").write_text("{}")
    assert [figure["title"] for figure in genealogies(evidence)] == ["faunae-digits-s0"]


def test_a_curve_without_a_finite_value_is_said_not_drawn(evidence):
    folder = evidence.results / "search/darts-digits-s0/curves/plots/metrics"
    (folder / "validation_loss.tsv").write_text("step\tvalidation_loss\n0\tnan\n1\tinf\n")
    (figure,) = search_curves(evidence)
    panels = dict(figure["panels"])
    assert "no finite value was recorded" in panels["validation loss (nats), cross entropy"]
    assert "<svg" in panels["validation loss (nats), contrastive"]
    assert "nan" not in panels["validation loss (nats), contrastive"]


# ------------------------------------------------------------------ evolution ----


def test_a_rejected_mutation_leaves_the_former_operation():
    entry = {
        "choice": ["x", "y", "z"],
        "mutations": [
            {"place": 0, "from": "a", "to": "x", "accepted": False},
            {"place": 2, "from": "c", "to": "z", "accepted": True},
        ],
    }
    assert former(entry) == ["a", "y", "z"]


def test_the_genealogy_counts_and_draws_what_happened(evidence):
    (figure,) = genealogies(evidence)
    assert (figure["mutations"], figure["accepted"]) == (2, 1)
    assert (figure["places"], figure["epochs"], figure["changed"]) == (2, 2, 2)
    # place 1: a, then c; place 2: b throughout, a was tried in epoch 2; one elimination
    assert figure["svg"].count("<rect") == 3
    assert figure["svg"].count('class="tried') == 1
    assert figure["svg"].count('class="cut"') == 1
    assert figure["legend"].count("<li>") == 3


@pytest.mark.parametrize("content", ["{}", '{"epochs": [{"epoch": 1}]}', '{"epochs": []}'])
def test_a_file_that_is_not_a_genealogy_is_named(evidence, content):
    (evidence.results / "search/faunae-digits-s0/genealogy.json").write_text(content)
    with pytest.raises(InputError, match=r"genealogy.json is not a genealogy of an .*repro"):
        genealogies(evidence)


# ------------------------------------------------------------------- pictures ----


def test_pictures_are_made_small_and_counted(evidence):
    folder = evidence.results / "transfer/faunae-voc-s0/drawings"
    for number in range(1, PICTURES + 3):
        Image.new("RGB", (60, 30)).save(folder / f"{number:02d}.jpg")
    (shown,) = detections(evidence)
    assert len(shown["images"]) == PICTURES
    first, second = shown["images"][:2]
    assert (first["width"], first["height"]) == (SIDE, SIDE // 2)
    assert (second["width"], second["height"]) == (60, 30)
    assert first["source"].startswith("data:image/jpeg;base64,/9j/")
    assert "faunae-voc-s0 detects" in first["text"]


def test_a_broken_picture_is_named(evidence):
    (evidence.results / "transfer/faunae-voc-s0/drawings/01.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InputError, match=r"drawings/01.png is not an image .*transfer@faunae-voc"):
        detections(evidence)


# ------------------------------------------------------------- architectures ----


def test_the_same_architecture_is_one_drawing_with_all_its_names(evidence):
    evidence.plan["retrain"]["again"] = {"architecture": "search/ssnas-digits-s0"}
    runs = ["retrain/darts-digits-s0", "retrain/again", "retrain/ssnas-digits-s1"]
    drawn = architectures(evidence, runs)
    assert [entry["title"] for entry in drawn] == [
        "darts-digits-s0",
        "ssnas-digits-s0, ssnas-digits",
    ]


# ----------------------------------------------------------------------- cost ----


def test_a_row_stands_on_all_that_it_needs(evidence):
    assert upstream(evidence, "retrain/ssnas-digits-s0") == {
        "retrain/ssnas-digits-s0", "select/ssnas-digits", "score/ssnas-digits-s0",
        "score/ssnas-digits-s1", "search/ssnas-digits-s0", "search/ssnas-digits-s1",
        "prepare/digits",
    }  # fmt: skip
    assert "retrain/ssnas-digits-s0" in upstream(evidence, "transfer/faunae-voc-s0")


def test_costs_add_up(evidence, full_project):
    stages = {entry["stage"]: entry for entry in stage_costs(evidence)}
    assert (stages["search"]["runs"], stages["search"]["seconds"]) == (4, 40.0)
    assert stages["search"]["device_hours"] == pytest.approx(4 * 0.001 * 24)
    assert stages["select"]["measured"] == 0
    rows = row_costs(evidence, read_report(full_project / "params.yaml"))
    ssnas = next(row for row in rows if row["row"].startswith("SSNAS"))
    parts = [ssnas[part]["seconds"] for part in ("search", "selection", "training")]
    assert parts == [20.0, 20.0, 30.0]
    assert ssnas["seconds"] == sum(parts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.01, "0 s"), (1.24, "1.2 s"), (42, "42 s"), (119, "119 s"), (600, "10 min"),
     (7200, "2.0 h"), (36000, "10 h"), (864000, "10.0 d")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


# ------------------------------------------------------------- margins, series ----


def test_margins_know_chance(evidence):
    (figure,) = margin_figures(evidence)
    assert figure["positive"] == 2
    assert {entry["chance"] for entry in figure["entries"]} == {math.log(127)}


def test_series_for_dvc_plots(full_project, report):
    assert report(full_project)[0] == 0
    folder = full_project / "results/tables/plots"
    with (folder / "searches.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 3  # three searches of three epochs
    last = next(line for line in lines if line["run"] == "ssnas-digits-s1" and line["epoch"] == "3")
    assert (last["method"], last["validation_loss"], last["skip_connections"]) == (
        "ssnas",
        "2.0",
        "",
    )
    with (folder / "rows.csv").open() as file:
        lines = list(csv.DictReader(file))
    seeds = [line["percent"] for line in lines if line["row"].startswith("SSNAS")]
    assert [float(value) for value in seeds] == [10.0, 20.0, 30.0]
    # darts was never scored, and of the candidates only the winner was trained: nothing to compare
    assert (folder / "scores.csv").read_text().count("\n") == 1
    declared = json.dumps((Path(__file__).parents[3] / "dvc.yaml").read_text())
    assert all(f"plots/{name}.csv" in declared for name in ("searches", "rows", "scores"))
