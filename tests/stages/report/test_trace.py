"""`python -m stages.report --trace`: what is behind a number."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.stages.report.own_boxes_project import add_boxes
from tests.stages.report.own_project import write_own_results


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def hashed(text: str) -> dict[str, str]:
    """path -> hash, of the lines that `sha256sum --check` reads."""
    found = [re.fullmatch("([0-9a-f]{64})  (.+)", line) for line in text.splitlines()]
    return {match[2]: match[1] for match in found if match}


def test_the_runs_of_every_seed_with_what_they_measured(project, trace):
    code, text = trace(project, "ssnas.table4/SSNAS (first order)")
    assert code == 0, text
    said = lines(text)
    assert said[0] == "ssnas.table4/SSNAS (first order), batch size 32"
    place = said.index("linear accuracy: 37.50 ± 17.68 %, from 2 runs; reported 88.78 %")
    assert said[place + 1 : place + 3] == [
        "50.00 = 100 x linear_accuracy of results/probe/ssnas-s0/metrics.json",
        "25.00 = 100 x linear_accuracy of results/probe/ssnas-s1/metrics.json",
    ]
    assert "75.00 = 100 x finetune_accuracy of results/probe/ssnas-s0/metrics.json" in said
    runs = [line for line in said if re.fullmatch("[a-z]+/[a-z0-9-]+", line)]
    assert runs == [
        "search/ssnas-s0", "pretrain/ssnas-s0", "pretrain/ssnas-s1", "probe/ssnas-s0",
        "probe/ssnas-s1",
    ]  # fmt: skip


def test_hashes_are_those_of_the_files(full_project, trace):
    code, text = trace(full_project, "ssnas.table1/SSNAS (first order)")
    assert code == 0, text
    found = hashed(text)
    for path, sha256 in found.items():
        assert hashlib.sha256((full_project / path).read_bytes()).hexdigest() == sha256, path
    for path in (
        "params.yaml",
        "results/prepare/digits/images/manifest.json",
        "results/search/ssnas-digits-s1/curves/plots/metrics/validation_loss.tsv",
        "results/score/ssnas-digits/ssnas-digits-s0/metrics.json",
        "results/select/ssnas-digits/genotype.json",
        "results/retrain/ssnas-digits-s2/metrics.json",
    ):
        assert path in found
    assert not [path for path in found if "darts" in path or "faunae" in path]  # other rows'


def test_a_difference_names_both_sides(project, trace):
    text = trace(project, "ssnas.section4_4/split minus same set")[1]
    assert (
        "12.50 = 100 x (test_accuracy of results/retrain/ssnas-s0/metrics.json - that of "
        "results/retrain/same-s0/metrics.json)"
    ) in lines(text)
    assert "retrain/same-s1" in lines(text)


def test_rows_of_one_name_are_all_traced_or_told_apart(project, trace):
    plan = project / "params.yaml"
    more = "- {row: ResNet-18, batch_size: 32,"
    double = more.replace("32", "64") + plan.read_text().partition(more)[2].partition("-s0]}")[0]
    plan.write_text(plan.read_text().replace(more, f"{double}-s0]}}\n    {more}"))
    text = trace(project, "ssnas.table4/ResNet-18")[1]
    assert [line for line in lines(text) if line.startswith("ssnas.table4/")] == [
        "ssnas.table4/ResNet-18, batch size 64", "ssnas.table4/ResNet-18, batch size 32",
    ]  # fmt: skip
    text = trace(project, "ssnas.table4/ResNet-18, batch size 64")[1]
    assert text.count("ssnas.table4/") == 1


def test_the_method_tells_rows_apart_as_in_the_plan(full_project, trace):
    assert trace(full_project, "faunae.table3/FaUNAE/MoCo v2")[0] == 0


def test_own_images(tmp_path, trace):
    code, text = trace(write_own_results(tmp_path), "own/SSNAS (first order)")
    assert code == 0, text
    said = lines(text)
    assert "82.00 = 100 x linear_accuracy of results/probe/ssnas-folder-s2/metrics.json" in said
    assert "2.0000 = score of results/select/ssnas-folder/metrics.json" in said
    assert "2.1250 = final_loss of results/pretrain/ssnas-folder-s1/metrics.json" in said
    assert "results/score/ssnas-folder/ssnas-folder-s1/metrics.json" in hashed(text)
    assert "results/prepare/folder/images/manifest.json" in hashed(text)
    assert trace(tmp_path, "own.networks/SSNAS (first order)")[1] == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "ssnas.table9/X",
            "--trace is 'ssnas.table9/X'; <table>/<row> is expected; tables in this plan: "
            "ssnas.table1, ssnas.table4, ssnas.table5, ssnas.section4_4",
        ),
        ("own/X", "--trace is 'own/X'; <table>/<row> is expected; tables in this plan: ssnas.tab"),
        (
            "ssnas.table1",
            "--trace: ssnas.table1 has no row '' in this plan; it has: Random sampling; "
            "SSNAS (first order) (as in `--trace 'ssnas.table1/Random sampling'`)",
        ),
        (  # in the paper's table, not in the plan
            "ssnas.table1/DARTS (first order)",
            "--trace: ssnas.table1 has no row 'DARTS (first order)' in this plan; it has: Random",
        ),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(project, trace, name, text):
    code, said = trace(project, name)
    assert code == 2
    assert said.startswith(f"report: {text}")


def test_own_boxes(tmp_path, trace):
    project = add_boxes(write_own_results(tmp_path), layout="coco")
    code, text = trace(project, "own_boxes/SSNAS (first order)")
    assert code == 0, text
    said = lines(text)
    place = said.index("AP50, from random weights: 42.00 ± 2.65 %, from 3 runs")
    assert said[place + 1] == (
        "40.00 = 100 x AP50_box of results/transfer/ssnas-boxes-scratch-s0/metrics.json"
    )
    assert "AP: 30.50 ± 0.50 %, from 3 runs" in said
    assert trace(project, "own.boxes/SSNAS (first order)") == (0, text)
    files = hashed(text)
    for file in (
        "transfer/ssnas-boxes-s2/classes.json",
        "pretrain/ssnas-folder-s0/metrics.json",
        "search/ssnas-folder-s1/genotype.json",
        "prepare/boxes/labels/manifest.json",
    ):
        assert f"results/{file}" in files  # fmt: skip


def test_a_missing_run_is_named(project, trace):
    (project / "results/probe/ssnas-s1/metrics.json").unlink()
    code, said = trace(project, "ssnas.table4/SSNAS (first order)")
    assert code == 2
    assert "make it with `dvc repro probe@ssnas-s1`" in said
    assert trace(project, "ssnas.table4/ResNet-18")[0] == 0  # needs other runs


def test_nothing_is_written(project, trace):
    before = sorted(project.rglob("*"))
    assert trace(project, "ssnas.table1/Random sampling")[0] == 0
    assert sorted(project.rglob("*")) == before
