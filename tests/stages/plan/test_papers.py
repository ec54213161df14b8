"""What the plans of the papers' own scale compute, and with which values."""

from __future__ import annotations

from stages.plan.__main__ import plan
from tests.plans import composed


def test_paper_scale_keeps_the_papers_values():
    params = composed("scale=paper")
    assert params["recipe"]["retrain"]["epochs"] == 650
    assert params["recipe"]["search"]["epochs"] == 50
    assert params["recipe"]["score-contrastive"]["epochs"] == 100
    assert params["space"]["cells"] == {"kind": "cell", "channels": 16, "cells": 8, "stem": "cifar"}
    assert params["network"]["cells"]["channels"] == 36
    assert len([name for name in params["search"] if name.startswith("ssnas-cifar10-")]) == 4
    assert params["space"]["cells-stl10"]["cells"] == 5


def test_faunaes_start_is_searched_on_imagenet_100_and_its_baseline_on_imagenet():
    params = composed("scale=paper", "only=[faunae.table2]")
    evolved = params["search"]["faunae-from-proxyless-imagenet-s0"]
    assert (evolved["data"], evolved["initial"]) == ("imagenet", "search/proxyless-imagenet100-s0")
    assert params["search"]["proxyless-imagenet100-s0"]["data"] == "imagenet100"
    assert params["data"]["imagenet100"]["class_count"] == 100
    assert params["prepare"]["imagenet100"] == {"data": "imagenet100"}
    row = params["pretrain"]["proxyless-imagenet-s0"]
    assert row["architecture"] == "search/proxyless-imagenet-s0"
    toy = composed("scale=toy", "only=[faunae.table2]")["search"]
    assert toy["faunae-from-proxyless-shapes-s0"]["initial"] == "search/proxyless-shapes-s0"


def test_faunaes_rows_are_made_of_several_searches():
    params = composed("scale=paper", "paper=[faunae]")
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
    params = composed("scale=paper")

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


def test_transferred_cells_are_searched_on_other_data_than_they_are_trained_on():
    params = composed("scale=toy", "only=[ssnas.table2]")
    line = params["retrain"]["ssnas-digits-on-shapes-64-s1"]
    assert line["data"] == "shapes-64"
    assert line["architecture"] == "select/ssnas-digits"
    assert {line["data"] for line in params["search"].values()} == {"digits"}
    paper = composed("scale=paper", "only=[ssnas.table2]")
    assert paper["retrain"]["darts-second-cifar10-on-imagenet-s0"]["network"] == "cells-imagenet"
    network = {"stem": "imagenet", "channels": 48, "cells": 14}
    assert paper["network"] == {"cells": composed("scale=paper")["network"]["cells"],
                                "cells-imagenet": network}  # fmt: skip
