"""The plan: what it composes, what it refuses, and that every value names its source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from nassl.settings import BlockSpace
from nassl.supernets.block import BlockSupernet
from stages.plan.__main__ import as_text, main, plan
from stages.runs.lines import RUNS
from stages.runs.run import resolve_run
from tests.plans import composed

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "workflow" / "config"
REPORTED = yaml.safe_load((ROOT / "workflow" / "report" / "paper_tables.yaml").read_text())


def test_committed_plan_is_the_toy_plan():
    assert (ROOT / "params.yaml").read_text() == as_text(composed("scale=toy"), ["scale=toy"])


@pytest.mark.parametrize("scale", ["toy", "paper"])
def test_every_runnable_row_is_planned(scale):
    tables = composed(f"scale={scale}", "paper=[ssnas,faunae]")["report"]["tables"]
    keys = ("row", "batch_size", "init", "method")
    for paper, contents in REPORTED.items():
        for table, content in contents.items():
            planned = tables[f"{paper}.{table}"]
            wanted = [row for row in content["rows"] if row["status"] == "run"]
            shared = [key for key in keys if all(key in row for row in planned)]
            assert sorted(str([row[key] for key in shared]) for row in planned) == sorted(
                str([row[key] for key in shared]) for row in wanted
            ), table


def test_evolution_follows_the_search_that_it_starts_from():
    search = composed("scale=paper", "paper=[faunae]")["search"]
    line = search["faunae-from-proxyless-imagenet-s0"]
    assert line["initial"] == "search/proxyless-imagenet100-s0"
    assert line["follows"] == "search/proxyless-imagenet100-s0/genotype.json"
    others = [line for line in search.values() if not line.get("initial", "").startswith("search/")]
    assert {line["follows"] for line in others} == {
        f"prepare/{data}/images/manifest.json" for data in ("cifar10", "imagenet", "imagenet100")
    }


def test_evolution_takes_the_epochs_of_the_most_operations_that_a_block_has():
    """Every stage's first block has six, every other one seven: stages of one block have six."""
    epochs = {"[1,1]": 21, "[1,2]": 28}  # 1 + E * (2 + ... + K), E = 1
    for depths, count in epochs.items():
        params = plan([
            "scale=toy", 'only=["faunae.table2/FaUNAE (random)"]',
            f"space.faunae-blocks.depths={depths}", f"recipe.evolve-blocks.epochs={count}",
        ])  # fmt: skip
        space = BlockSpace(**params["space"]["faunae-blocks"])
        assert max(map(len, BlockSupernet(space).candidates)) == {21: 6, 28: 7}[count]


def test_transfers_follow_the_training_of_their_weights():
    params = composed("scale=toy", "only=[faunae.table3,faunae.table4]")
    assert len(params["transfer"]) == 7
    for line in params["transfer"].values():
        stage, _, name = line["weights"].partition("/")
        assert params[stage][name]["data"] == line["pretrained_on"] == "shapes"
    assert params["transfer"]["resnet50-scenes-voc-supervised-s0"]["weights"] == (
        "retrain/resnet50-shapes-supervised-s0"
    )
    assert params["transfer"]["faunae-from-proxyless-scenes-coco-s0"]["weights"] == (
        "pretrain/faunae-from-proxyless-shapes-s0"
    )
    # The weights are those of table 2, where it has the row.
    assert set(params["pretrain"]) <= set(composed("scale=toy")["pretrain"])


def test_a_row_names_the_trainings_whose_weights_its_runs_read():
    tables = composed("scale=toy")["report"]["tables"]

    def trained(table, **identity):
        (row,) = (row for row in tables[table] if identity.items() <= row.items())
        return row.get("trained", [])

    assert trained("ssnas.table1", row="SSNAS (first order)") == []  # trained from scratch
    assert trained("ssnas.section4_4", row="split minus same set") == []
    assert trained("ssnas.table4", row="ResNet-18", batch_size=32) == [
        "pretrain/resnet18-digits-b32-s0", "pretrain/resnet18-digits-b32-s1",
    ]  # fmt: skip
    five_cells = "pretrain/ssnas-5cells-digits-unlabeled"
    assert trained("ssnas.table5", row="SSNAS (first order)", init="pretrained") == [
        f"{five_cells}-s0", f"{five_cells}-s1",
    ]  # fmt: skip
    assert trained("ssnas.table5", init="random weights") == []  # its weights were not pretrained
    assert trained("faunae.table2", row="FaUNAE (random)") == [
        "pretrain/faunae-from-random-shapes-s0"
    ]
    assert trained("faunae.table3", method="supervised") == [
        "retrain/resnet50-shapes-supervised-s0"
    ]
    assert trained("faunae.table4", row="FaUNAE") == ["pretrain/faunae-from-proxyless-shapes-s0"]


def test_the_recipe_of_detection_knows_the_devices_of_the_plan():
    for table, kind in (("table3", "voc-c4"), ("table4", "coco-c4")):
        paper = plan(["scale=paper", f"only=[faunae.{table}]"])
        assert paper["resources"]["transfer"]["gpus"] == 8
        asked = paper["detection"][kind]
        assert (asked["devices"], asked["reference_devices"]) == (8, 8)
        assert asked["images_per_batch"] == 16
    fewer = plan(["scale=paper", "only=[faunae.table3]", "resources.transfer.gpus=2"])
    assert fewer["detection"]["voc-c4"]["devices"] == 2


def test_an_own_set_in_a_known_layout_is_one_line():
    own = "+data.cells={kind: voc, root: /cells}"
    params = plan(["scale=toy", "only=[faunae.table3]", own, "stand_ins.voc=cells"])
    assert params["prepare"]["cells"] == {"data": "cells"}
    assert params["data"]["cells"] == {"kind": "voc", "root": "/cells"}
    assert "resnet50-cells-moco-v2-s0" in params["transfer"]


def test_a_row_is_chosen_by_its_method():
    params = plan(["scale=toy", "only=[faunae.table3/ResNet-50/MoCo v2]"])
    assert list(params["transfer"]) == ["resnet50-scenes-voc-moco-v2-s0"]


def test_runs_are_named_by_method_data_variant_and_seed():
    params = plan(["scale=toy", "seeds.search=3"])
    assert "ssnas-digits-s2" in params["search"]
    assert "ssnas-digits-b32-s0" in params["pretrain"]
    assert "ssnas-5cells-digits-unlabeled-scratch-s1" in params["probe"]
    assert params["select"]["ssnas-digits"]["candidates"] == [
        "ssnas-digits-s0", "ssnas-digits-s1", "ssnas-digits-s2",
    ]  # fmt: skip


def test_a_paper_may_have_a_number_of_final_seeds_of_its_own():
    tables = composed("scale=toy")["report"]["tables"]
    assert {len(row["runs"]) for row in tables["faunae.table2"]} == {1}
    assert {len(row["runs"]) for row in tables["ssnas.table4"]} == {2}
    tables = plan(["scale=toy", "seeds.final=3", "~seeds.faunae"])["report"]["tables"]
    assert {len(row["runs"]) for rows in tables.values() for row in rows} == {3}


def test_label_free_runs_are_given_no_labels():
    params = composed("scale=toy")
    for stage in ("search", "score"):
        for name, line in params[stage].items():
            label_free = not name.startswith(("darts-", "random-by-accuracy", "proxyless-"))
            assert (line["labels"] == "no-labels") == label_free, name


def test_candidates_are_retrained_where_the_criterion_is_listed():
    def retrained(*overrides: str) -> dict:
        return plan(["scale=toy", "only=[ssnas.table1]", *overrides])["retrain"]

    lines = retrained()
    added = {name: line["architecture"] for name, line in lines.items() if "candidate" in name}
    assert added == {
        "ssnas-digits-candidate0-s0": "search/ssnas-digits-s0",
        "ssnas-digits-candidate1-s0": "search/ssnas-digits-s1",
    }
    winner, candidate = lines["ssnas-digits-s0"], lines["ssnas-digits-candidate0-s0"]
    assert winner | {"architecture": "search/ssnas-digits-s0"} == candidate
    assert len(retrained("retrain_candidates=[contrastive_loss,accuracy]")) == 8 + 8
    assert len(retrained("retrain_candidates=[]")) == 8


def test_only_narrows_the_plan_to_a_row():
    params = plan(["scale=toy", 'only=["ssnas.table1/SSNAS (first order)"]'])
    assert list(params["report"]["tables"]) == ["ssnas.table1"]
    assert list(params["retrain"])[:2] == ["ssnas-digits-s0", "ssnas-digits-s1"]
    assert not params["pretrain"]
    assert "pretrain-b32" not in params["recipe"]


def test_show_prints_a_runs_resolved_settings(capsys):
    main(["--show", "search/ssnas-digits-s1"])
    shown = yaml.safe_load(capsys.readouterr().out)["search/ssnas-digits-s1"]
    assert shown["seed"] == 1
    assert shown["strategy"]["order"] == 1
    assert shown["objective"]["views"]["crop"] == "resized"


def test_smoke_is_a_few_runs_of_every_stage():
    params = composed("scale=smoke")
    for stage in RUNS:
        assert 1 <= len(params[stage]) <= 7, stage


def test_written_plan_reads_back_as_composed(tmp_path):
    target = tmp_path / "params.yaml"
    main(["scale=smoke", "--out", str(target)])
    written = yaml.safe_load(target.read_text())
    assert written == composed("scale=smoke")
    for stage in RUNS:
        for name in written[stage]:
            assert resolve_run(stage, name, written, "file").name == name


def test_every_value_names_its_source():
    groups = ("data", "space", "network", "strategy", "objective", "recipe", "probe", "detection")
    for file in (path for group in groups for path in (CONFIG / group).glob("*.yaml")):
        explained = file.read_text().splitlines()[1].startswith("#")  # a comment for all of it
        for line in file.read_text().splitlines()[1:]:
            if re.match(r"\w+:\s+#", line) or line.startswith("defaults"):
                explained = True  # a block whose heading names the source
            elif re.match(r"\w", line):
                explained = file.read_text().splitlines()[1].startswith("#")
            if re.match(r"\s*(?!kind|defaults|root|download)\w+: *[^#\s]", line):
                assert explained or "#" in line, f"{file.name}: {line}"
