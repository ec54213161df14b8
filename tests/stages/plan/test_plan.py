"""The plan: what it composes, what it refuses, and that every value names its source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from nassl.settings import DATASETS, BlockSpace, SettingsError, Size
from nassl.settings.typed import typed
from nassl.supernets.block import BlockSupernet
from stages.plan.__main__ import as_text, main, plan
from stages.plan.datasets import expected_size
from stages.runs.lines import RUNS
from stages.runs.run import resolve_run

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "workflow" / "config"
REPORTED = yaml.safe_load((ROOT / "workflow" / "report" / "paper_tables.yaml").read_text())


def test_committed_plan_is_the_toy_plan():
    assert (ROOT / "params.yaml").read_text() == as_text(plan(["scale=toy"]), ["scale=toy"])


@pytest.mark.parametrize("scale", ["toy", "paper"])
def test_every_runnable_row_is_planned(scale):
    tables = plan([f"scale={scale}", "paper=[ssnas,faunae]"])["report"]["tables"]
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
    search = plan(["scale=paper", "paper=[faunae]"])["search"]
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
    params = plan(["scale=toy", "only=[faunae.table3,faunae.table4]"])
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
    assert set(params["pretrain"]) <= set(plan(["scale=toy"])["pretrain"])


def test_a_row_names_the_trainings_whose_weights_its_runs_read():
    tables = plan(["scale=toy"])["report"]["tables"]

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


def test_paper_scale_keeps_the_papers_values():
    params = plan(["scale=paper"])
    assert params["recipe"]["retrain"]["epochs"] == 650
    assert params["recipe"]["search"]["epochs"] == 50
    assert params["recipe"]["score-contrastive"]["epochs"] == 100
    assert params["space"]["cells"] == {"kind": "cell", "channels": 16, "cells": 8, "stem": "cifar"}
    assert params["network"]["cells"]["channels"] == 36
    assert len([name for name in params["search"] if name.startswith("ssnas-cifar10-")]) == 4
    assert params["space"]["cells-stl10"]["cells"] == 5


def test_faunaes_start_is_searched_on_imagenet_100_and_its_baseline_on_imagenet():
    params = plan(["scale=paper", "only=[faunae.table2]"])
    evolved = params["search"]["faunae-from-proxyless-imagenet-s0"]
    assert (evolved["data"], evolved["initial"]) == ("imagenet", "search/proxyless-imagenet100-s0")
    assert params["search"]["proxyless-imagenet100-s0"]["data"] == "imagenet100"
    assert params["data"]["imagenet100"]["class_count"] == 100
    assert params["prepare"]["imagenet100"] == {"data": "imagenet100"}
    row = params["pretrain"]["proxyless-imagenet-s0"]
    assert row["architecture"] == "search/proxyless-imagenet-s0"
    toy = plan(["scale=toy", "only=[faunae.table2]"])["search"]
    assert toy["faunae-from-proxyless-shapes-s0"]["initial"] == "search/proxyless-shapes-s0"


def test_faunaes_rows_are_made_of_several_searches():
    params = plan(["scale=paper", "paper=[faunae]"])
    tables = params["report"]["tables"]
    small, large = (row for row in tables["faunae.table1"] if row["row"].startswith("FaUNAE"))
    searches = [f"search/faunae-cells-cifar10-s{seed}" for seed in range(3)]
    assert small["searches"] == large["searches"] == searches
    assert small["runs"] == [f"probe/faunae-cells-cifar10-c36-s{seed}" for seed in range(3)]
    for run, search in zip(small["trained"], searches, strict=True):
        assert params["pretrain"][run.removeprefix("pretrain/")]["architecture"] == search
    named = {(row["row"], row["method"]): row for row in tables["faunae.table2"]}
    for name in ("Random", "FaUNAE (random)", "FaUNAE (ResNet-50)", "FaUNAE (ProxylessNAS)"):
        assert len(named[name, "MoCo v2"]["runs"]) == len(named[name, "MoCo v2"]["searches"]) == 2
        assert named[name, "MoCo v2"]["several_searches"] is True
    assert len(named["ResNet-50", "MoCo v2"]["runs"]) == 1
    assert "several_searches" not in named["ResNet-50", "MoCo v2"]
    more = plan(["scale=paper", "only=[faunae.table1]", "seeds.final=2"])
    runs = next(r for r in more["report"]["tables"]["faunae.table1"] if "36" in r["row"])["runs"]
    architectures = [
        more["pretrain"][more["probe"][run.removeprefix("probe/")]["pretrain"]]["architecture"]
        for run in runs
    ]
    assert architectures == [search for search in searches for _ in range(2)]
    assert len(set(runs)) == 6


def test_rows_of_other_papers_follow_those_papers():
    """MoCo v1 and SimCLR as published, FaUNAE's CIFAR-10 as sec. IV.C.1, DARTS' short training as
    DARTS trains."""
    params = plan(["scale=paper"])

    def of(stage, name, section):
        return params[section][params[stage][name][section]]

    for table in ("table2", "table3", "table4"):
        (row,) = [
            row
            for row in params["report"]["tables"][f"faunae.{table}"]
            if row["row"] == "ResNet-50" and row["method"] == "MoCo v1"
        ]
        assert row
    v1 = "resnet50-imagenet-moco-v1-s0"
    recipe, views = of("pretrain", v1, "recipe"), of("pretrain", v1, "objective")["views"]
    assert (recipe["schedule"], recipe["milestones"]) == ("steps", [120, 160])
    assert (views["grayscale_first"], views["hue"], views["jitter"]) == (True, 0.4, 1.0)
    v2 = of("pretrain", "resnet50-imagenet-moco-v2-s0", "objective")["views"]
    assert (v2["grayscale_first"], v2["blur_kernel"]) == (False, 0.0)
    simclr = "resnet50-imagenet-simclr-s0"
    recipe = of("pretrain", simclr, "recipe")
    assert (recipe["optimizer"], recipe["batch_size"]) == ("lars", 8192)
    assert (recipe["warmup_epochs"], recipe["learning_rate"]) == (10, 9.6)
    assert of("pretrain", simclr, "objective")["chunk"] == 256
    cifar = "faunae-cells-cifar10-c36-s0"
    recipe, objective = of("pretrain", cifar, "recipe"), of("pretrain", cifar, "objective")
    assert (recipe["learning_rate"], recipe["weight_decay"]) == (0.025, 3e-4)
    assert (objective["groups"], objective["views"]["grayscale_first"]) == (2, True)
    assert of("pretrain", v1, "objective")["groups"] == 8
    objective = of("score", "darts-first-cifar10-s0", "objective")
    assert (objective["auxiliary_weight"], objective["views"]["cutout"]) == (0.4, 16)
    assert params["objective"]["simclr"]["views"]["blur_kernel"] == 0.1
    assert params["strategy"]["proxyless"]["alpha_every"] == 5
    assert params["recipe"]["proxyless"]["nesterov"] is True
    assert params["objective"]["supervised-proxyless"]["views"]["saturation"] == 0.5


def test_runs_are_named_by_method_data_variant_and_seed():
    params = plan(["scale=toy", "seeds.search=3"])
    assert "ssnas-digits-s2" in params["search"]
    assert "ssnas-digits-b32-s0" in params["pretrain"]
    assert "ssnas-5cells-digits-unlabeled-scratch-s1" in params["probe"]
    assert params["select"]["ssnas-digits"]["candidates"] == [
        "ssnas-digits-s0", "ssnas-digits-s1", "ssnas-digits-s2",
    ]  # fmt: skip


def test_a_paper_may_have_a_number_of_final_seeds_of_its_own():
    tables = plan(["scale=toy"])["report"]["tables"]
    assert {len(row["runs"]) for row in tables["faunae.table2"]} == {1}
    assert {len(row["runs"]) for row in tables["ssnas.table4"]} == {2}
    tables = plan(["scale=toy", "seeds.final=3", "~seeds.faunae"])["report"]["tables"]
    assert {len(row["runs"]) for rows in tables.values() for row in rows} == {3}


def test_label_free_runs_are_given_no_labels():
    params = plan(["scale=toy"])
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


REFUSED = [
    (["recipe.search.epocs=3"], r"recipe\.search\.epocs.*allowed: epochs, batch_size"),
    (["recipe.search.epochs=many"], r"recipe\.search\.epochs: Value 'many'.*Integer"),
    (["+recipe.search.dampening=1"], r"recipe\.search has the unknown key 'dampening'; allowed"),
    (["recipe.search.optimizer=lion"], r"optimizer is 'lion'; allowed: sgd, adam, lars"),
    (["objective.simclr.kind=simcrl"], r"objective\.simclr\.kind is 'simcrl'; available: .*simclr"),
    (["strategy.darts-first.order=3"], r"order is 3; allowed: 1, 2"),
    (
        ["strategy.darts-first.order=2", "+recipe.search.precision=tf32"],
        r"recipe\.precision is 'tf32' with strategy\.order 2.*set it to float32, or the order to 1",
    ),
    (
        ["+recipe.search.precision=float16"],
        r"precision is 'float16'; allowed: float32, tf32, bfloat16",
    ),
    (["objective.simclr.views.crop=centre"], r"crop is 'centre'; allowed: resized, padded, none"),
    (["objective.simclr.views.flip=1.5"], r"views\.flip is 1\.5; allowed: 0 to 1"),
    (["objective.simclr.temperature=0"], r"temperature is 0\.0; it must be greater than 0"),
    (["objective.simclr.views.crop_scale=[0.9,0.1]"], r"crop_scale is \[0\.9, 0\.1\]; allowed"),
    (["network.cells.stem=imagenet"], r"shrink 16x16 images 32 times"),
    (["recipe.search.batch_size=4000"], r"batch_size is 4000; its smallest part has 500 images"),
    (["recipe.search.batch_size=1"], r"batch norm needs at least 2"),
    (["protocol.finetune-tenth.label_fraction=1.5"], r"label_fraction is 1\.5; allowed: 0 to 1"),
    (["protocol.finetune-tenth.label_fraction=0.001"], r"gives 1 labels; 10 classes need"),
    (["recipe.score-contrastive.validation_fraction=0"], r"needs images that were not trained on"),
    (["papers.ssnas.selections.ssnas.criterion=accuracy"], r"criterion is 'accuracy'.*simclr"),
    (["papers.ssnas.searches.ssnas.objective=supervised-search"], r"reads labels; representations"),
    (["papers.ssnas.searches.ssnas.objective=none"], r"needs an objective to train with"),
    (["papers.ssnas.searches.random.objective=simclr"], r"needs objective none"),
    (["papers.ssnas.searches.ssnas.recipe=serach"], r"recipe has no entry 'serach'; available: "),
    (["+recipe.pretrain-b64.drop_path=0.1"], r"of kind 'resnet' has neither cells nor drop path"),
    (["paper=[faunae]", "recipe.evolve-cells.epochs=7"], r"8 operations take .* = 36;"),
    (["paper=[faunae]", "space.faunae-blocks.depths=[1,1]"],
     r"recipe\.epochs is 28, but 6 operations take .* \* \(2 \+ \.\.\. \+ 6\) = 21; set it to"),
    (["paper=[faunae]", "papers.faunae.searches.proxyless.space=faunae-cells"],
     r"proxyless searches: block"),
    (["detection.voc-c4.kind=retinanet"], r"kind is 'retinanet'; allowed: faster-rcnn-c4, mask-"),
    (["detection.voc-c4.kind=mask-rcnn-c4"], r"data of kind 'scenes-voc' has no masks"),
    (["detection.voc-c4.milestones=[300,100]"], r"milestones is \[300, 100\]; allowed: rising"),
    (["detection.voc-c4.reference_devices=3"], r"multiple of detection\.reference_devices"),
    (["detection.coco-c4.proposals_test=[10,20]"], r"proposals_test is \[10, 20\]; allowed"),
    (["detection.coco-c4.iterations=0"], r"iterations is 0; it must be greater than 0"),
    (["stand_ins.voc=shapes"], r"data is of kind 'shapes', without boxes; allowed: voc, coco"),
    (["stand_ins.cifar10=scenes-voc"], r"which has boxes: only transfer reads it"),
    (["data.digits.image_size=0"], r"image_size is 0; it must be greater than 0"),
    (["seeds.search=1001"], r"seeds\.search is 1001; allowed: 1 to 1000"),
    (["seeds.faunae=many"], r"seeds\.faunae is 'many'; allowed: 1 to 1000"),
    (["+papers.ssnas.tables.table1.each.netwrok=cells"],
     r"table1\.each has the unknown key 'netwrok'; allowed: row, "),
    (["~papers.ssnas.tables.table4.each.finetune"],
     r"ssnas\.table4/ResNet-18 lacks the key 'finetune'; needed: linear, finetune"),
    (["papers.ssnas.tables.table1.each.from=probing"], r"from is 'probing'; allowed: retrain, "),
    (["papers.ssnas.searches.ssnas=darts"], r"searches\.ssnas is 'darts'; expected: object"),
    (["papers.faunae.searches.faunae-from-proxyless.initial=search/faunae-from-proxyless"],
     r"would start from itself: faunae-from-proxyless from faunae-from-proxyless"),
    (["scale=huge"], r"scale/huge.*Available options.*toy"),
    (["only=[ssnas.table9]"], r"the plan has no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "text"), REFUSED, ids=[case[0][-1] for case in REFUSED])
def test_refused_with_key_value_and_what_is_allowed(overrides, text):
    with pytest.raises(SettingsError) as caught:
        plan(["scale=toy", *overrides])
    assert re.search(text, str(caught.value), re.DOTALL), str(caught.value)


def test_command_line_refuses_in_one_line_and_writes_nothing(tmp_path, capsys):
    target = tmp_path / "params.yaml"
    with pytest.raises(SystemExit) as caught:
        main(["recipe.search.epochs=many", "--out", str(target)])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("plan: recipe.search.epochs")
    assert not target.exists()


def test_show_prints_a_runs_resolved_settings(capsys):
    main(["--show", "search/ssnas-digits-s1"])
    shown = yaml.safe_load(capsys.readouterr().out)["search/ssnas-digits-s1"]
    assert shown["seed"] == 1
    assert shown["strategy"]["order"] == 1
    assert shown["objective"]["views"]["crop"] == "resized"


def test_smoke_is_a_few_runs_of_every_stage():
    params = plan(["scale=smoke"])
    for stage in RUNS:
        assert 1 <= len(params[stage]) <= 7, stage


def test_written_plan_reads_back_as_composed(tmp_path):
    target = tmp_path / "params.yaml"
    main(["scale=smoke", "--out", str(target)])
    written, composed = yaml.safe_load(target.read_text()), plan(["scale=smoke"])
    assert written == composed
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


def test_transferred_cells_are_searched_on_other_data_than_they_are_trained_on():
    params = plan(["scale=toy", "only=[ssnas.table2]"])
    line = params["retrain"]["ssnas-digits-on-shapes-64-s1"]
    assert line["data"] == "shapes-64"
    assert line["architecture"] == "select/ssnas-digits"
    assert {line["data"] for line in params["search"].values()} == {"digits"}
    paper = plan(["scale=paper", "only=[ssnas.table2]"])
    assert paper["retrain"]["darts-second-cifar10-on-imagenet-s0"]["network"] == "cells-imagenet"
    network = {"stem": "imagenet", "channels": 48, "cells": 14}
    assert paper["network"] == {"cells": plan(["scale=paper"])["network"]["cells"],
                                "cells-imagenet": network}  # fmt: skip


@pytest.fixture
def images(tmp_path):
    """Files that look like 90 images: the plan counts names."""
    for name in (f"{letter}/{number}.png" for letter in "abc" for number in range(30)):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    return tmp_path / "photos"


def own(folder, *more):
    trained = ("recipe.search", "recipe.score-contrastive", "recipe.pretrain-b64")
    small = [f"{name}.batch_size=8" for name in (*trained, "protocol.linear.recipe")]
    return plan(["paper=own", "data=folder", f"data.root={folder}", *small, *more])


def test_own_images_are_probed_if_they_lie_in_class_folders(images):
    params = own(images)
    assert params["data"]["folder"]["root"] == str(images)
    assert set(params["probe"]) == set(params["pretrain"])
    assert params["report"]["tables"] == {}
    assert params["report"]["own"][0]["runs"][0].startswith("probe/ssnas-folder")
    flat = own(images / "a")
    assert not flat["probe"]
    assert flat["data"]["folder"]["test_fraction"] == 0
    assert flat["report"]["own"][0]["runs"][0].startswith("pretrain/ssnas-folder")


def test_own_images_are_compared_with_a_published_network_at_little_cost(images):
    params, without = own(images), own(images, "only=['own.networks/SSNAS (first order)']")
    rows = ["SSNAS (first order)", "Random sampling", "ResNet-18"]
    assert [row["row"] for row in params["report"]["own"]] == rows
    published = params["report"]["own"][2]
    assert published["selection"] == "search/resnet18-folder-s0"
    assert published["searches"] == ["search/resnet18-folder-s0"]
    search = params["search"]["resnet18-folder-s0"]
    assert params["strategy"][search["strategy"]]["kind"] == "manual"
    assert not [run for run in params["score"] if "resnet18" in run]
    assert not [run for run in without["pretrain"] if "resnet18" in run]
    alike = [dict(params["pretrain"][f"{method}-folder-s0"]) for method in ("ssnas", "resnet18")]
    assert alike[0]["recipe"] == alike[1]["recipe"]
    assert alike[0]["objective"] == alike[1]["objective"]


def test_what_the_page_of_own_images_says_to_plan_again_with(images):
    tuned = own(images, "papers.own.tables.networks.each.finetune=finetune-all", "seeds.own=4")
    assert {line["finetune"] for line in tuned["probe"].values()} == {"finetune-all"}
    assert len(tuned["report"]["own"][0]["runs"]) == 4
    longer = own(images, "recipe.pretrain-b64.epochs=14", "data.folder.image_size=64")
    assert longer["recipe"]["pretrain-b64"]["epochs"] == 14
    assert longer["data"]["folder"]["image_size"] == 64


def test_own_images_of_which_some_have_labels(images):
    """90 in class folders, 30 without: all train the networks, labels are also fine-tuned on."""
    (images / "unlabeled").mkdir()
    for number in range(30):
        (images / "unlabeled" / f"{number}.png").touch()
    params = own(images, "protocol.finetune-all.recipe.batch_size=8")
    assert {line["finetune"] for line in params["probe"].values()} == {"finetune-all"}
    assert params["protocol"]["finetune-all"]["label_fraction"] == 1.0
    settings = typed(DATASETS, params["data"]["folder"], "data")
    assert expected_size(settings) == Size(train=72, test=18, unlabeled=102, classes=3)
    with pytest.raises(SettingsError, match="batch_size is 52; its smallest part has 51 images"):
        own(images, "recipe.search.batch_size=52")  # half of 102


def test_own_images_are_counted_when_the_plan_is_made(images):
    with pytest.raises(SettingsError, match="batch_size is 40; its smallest part has 36 images"):
        own(images, "recipe.search.batch_size=40")  # 90 images, 18 for testing, half of 72
    with pytest.raises(SettingsError, match=r"linear\.recipe\.batch_size is 80; there are 72"):
        own(images, "protocol.linear.recipe.batch_size=80")


def test_missing_own_images_are_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"data\.folder\.root is ''; the folder or the archive"):
        own("")
    with pytest.raises(SettingsError, match=r"gone'; the folder or the archive with your images"):
        own(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="holds no image file"):
        own(tmp_path / "empty")
    with pytest.raises(SettingsError, match=r"data is 'folder'; .* add data=folder data\.root="):
        plan(["paper=own"])
