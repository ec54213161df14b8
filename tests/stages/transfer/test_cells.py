"""Searched cells as detectors, and recipes that are fitted to the annotated images."""

from __future__ import annotations

import json
from dataclasses import astuple

import numpy as np
import pytest
import torch
from detectron2.layers import NaiveSyncBatchNorm
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage
from safetensors.torch import load_file

from nassl.files import InputError
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.dense import random_dense
from nassl.networks.size import flops
from nassl.settings import CellSpace, Detection, Network, SettingsError
from nassl.settings.detection import Annotations
from stages.plan.estimate.detection_work import parts
from stages.transfer.__main__ import transfer
from stages.transfer.classes import annotations
from stages.transfer.config import Sets, detectron2_config
from stages.transfer.data import register
from stages.transfer.detector import (
    _synchronise,
    build_detector,
    described_network,
    stride_of,
)
from stages.transfer.weights import check_features, convert, detector_key, load_pretrained
from tests.stages.transfer.detectors import CHANGES, DETECTION, MEAN, STD, save_pretrained

FITTED = {
    **DETECTION, "iterations": 0, "milestones": [], "train_sides": [], "test_side": 0,
    "longest": 0, "anchor_sizes": [], "pooler_resolution": 0, "epochs": 2.0,
    "times_pretraining": 2.0,
}  # fmt: skip


def config(genotype, network):
    settings, sets = Detection(**DETECTION), Sets("train", "test", 3)
    return detectron2_config(settings, genotype, Network(**network), sets, MEAN, STD, "cpu")


# Adjacent reductions (3 cells) and reductions apart (6); both stems; an odd side of every map.
@pytest.mark.parametrize("cells", [3, 6])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("drawn", [random_genotype, random_dense], ids=["cell", "dense"])
def test_trunk_and_stage_5_compute_what_the_network_does(tmp_path, cells, stem, drawn):
    network = {"stem": stem, "channels": 4, "cells": cells}
    genotype = drawn(1)
    folder = save_pretrained(tmp_path, genotype, network=network)
    cfg = config(genotype, network)
    plain, detector = described_network(cfg), build_detector(cfg)
    load_pretrained(folder / "weights.safetensors", plain)
    file = load_file(folder / "weights.safetensors")
    assert convert(plain, detector) == len(file)
    after = detector.state_dict()
    assert all(torch.equal(after[detector_key(key, plain)], value) for key, value in file.items())
    image = torch.randint(0, 256, (3, 75, 101), dtype=torch.uint8)
    check_features(plain, detector, image, MEAN, STD)
    with torch.no_grad():  # also from end to end, as the network is called
        x = torch.rand(2, 3, 64, 64)
        stage5 = detector.roi_heads.res5.layer4(detector.backbone(x)["res4"])
        assert torch.allclose(stage5.mean((2, 3)), plain(x), rtol=1e-4, atol=1e-5)
        shapes, maps = detector.backbone.output_shape(), detector.backbone(x)
    assert set(shapes) == set(maps) == {"res4", "proposals"}
    for name, shape in shapes.items():
        assert maps[name].shape == (2, shape.channels, 64 // shape.stride, 64 // shape.stride)
    assert shapes["res4"].stride == stride_of(genotype, Network(**network))
    assert shapes["proposals"].stride == max(shapes["res4"].stride, 4)


def test_another_first_step_of_stage_5_is_noticed(tmp_path):
    network = {"stem": "cifar", "channels": 4, "cells": 3}
    folder = save_pretrained(tmp_path, random_genotype(0), network=network)
    cfg = config(random_genotype(0), network)
    plain, detector = described_network(cfg), build_detector(cfg)
    load_pretrained(folder / "weights.safetensors", plain)
    convert(plain, detector)
    with torch.no_grad():
        detector.backbone.preprocess0.norm.running_mean += 1
    image = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    with pytest.raises(InputError, match="give another C4 map"):
        check_features(plain, detector, image, MEAN, STD)


def losses(detector):
    """Of two images alike, with one box."""
    box = Instances((48, 48), gt_boxes=Boxes(torch.tensor([[4.0, 4.0, 30.0, 30.0]])),
                    gt_classes=torch.tensor([1]))  # fmt: skip
    torch.manual_seed(1)
    image = torch.randint(0, 256, (3, 48, 48), dtype=torch.uint8)
    with EventStorage():
        return sum(detector.train()([{"image": image, "instances": box}] * 2).values())


CELLS = {"stem": "cifar", "channels": 4, "cells": 3}


def test_every_weight_of_a_detector_of_cells_is_trained():
    detector = build_detector(config(random_genotype(2), CELLS))
    losses(detector).backward()
    without = [n for n, p in detector.named_parameters() if p.grad is None]
    assert without == []


def test_precise_statistics_reach_every_batch_norm(tmp_path):
    """A fused one is not seen by fvcore's hooks, which then set its variance to 0."""
    genotype = random_genotype(2)
    detector = build_detector(config(genotype, CELLS)).train()
    assert "sep_conv" in str(genotype)
    norms = [m for m in detector.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    seen = dict.fromkeys(norms, False)
    for norm in norms:
        norm.register_forward_hook(lambda norm, *_: seen.update({norm: True}))
    losses(detector)
    assert all(seen.values())


def test_batch_norms_of_cells_can_be_those_of_several_processes():
    """One process: synchronised over it alone, which changes nothing but rounding."""
    detector = build_detector(config(random_genotype(2), CELLS))
    before = losses(detector).item()
    _synchronise(detector)
    norms = [m for m in detector.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {isinstance(norm, NaiveSyncBatchNorm) for norm in norms} == {True}
    assert losses(detector).item() == pytest.approx(before, rel=1e-4)


def test_the_estimate_counts_trunk_and_stage_5_of_the_detector():
    space = CellSpace("cell", 4, 6, "cifar")
    network = {"stem": "cifar", "channels": 4, "cells": 6}
    detector = build_detector(config(space.typical(), network))
    counted = parts(astuple(space), astuple(Network(**network)), 8, stride=2)
    trunk, stage5 = detector.backbone, detector.roi_heads.res5.layer4
    channels = sum(stage5.channels)
    # The first step of stage 5's first cell is in the trunk, and counted with stage 5.
    first = flops(trunk.preprocess0, 8, trunk.preprocess0.conv.in_channels)
    assert counted[1].flops == 2 * (flops(stage5, 8, channels) + first)
    large = flops(trunk.preprocess0, 112, trunk.preprocess0.conv.in_channels)
    assert counted[0].flops == 2 * (flops(Named(trunk), 224) - large)
    assert counted[1].bytes > 0


class Named(torch.nn.Module):
    """One of the trunk's maps, in place of a mapping."""

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk

    def forward(self, x):
        return self.trunk(x)["res4"]


def fit(found, image_size=32, stride=4, **changes):
    return Detection(**{**FITTED, **changes}).fitted(found, image_size, stride)


def test_a_recipe_is_fitted_to_the_images():
    found = Annotations(205, 480.0, [0.1, 0.2, 0.2, 0.3, 0.8])
    recipe = fit(found, epochs=24.0, times_pretraining=8.0, images_per_batch=4)
    assert recipe.iterations == 1230  # 24 * 205 / 4
    assert recipe.milestones == [820, 1093]
    assert (recipe.test_side, recipe.longest) == (256, 427)
    assert recipe.train_sides == [154, 179, 205, 230, 256]
    assert recipe.anchor_sizes == [36, 51, 72, 154]  # of 25.6 to 204.8 pixels; 51 twice
    assert recipe.pooler_resolution == 8
    assert fit(found, epochs=24.0, least_iterations=3000).iterations == 3000  # not 2460
    assert fit(found, 224, 16).test_side == 448  # twice pretraining's, below the images' own
    assert fit(found, 224, 16, times_pretraining=8.0).test_side == 480  # their own
    assert fit(Annotations(9, 3000.0, [0.1]), 224, 16, times_pretraining=8.0).test_side == 800
    assert fit(Annotations(9, 20.0, [0.5])).test_side == 32  # never below pretraining's
    assert fit(found, iterations=4).milestones == [2, 3]  # below the iterations, as they must be
    assert fit(found, iterations=1).milestones == []
    assert fit(found, 224, 16).pooler_resolution == 14
    assert fit(Annotations(9, 40.0, [0.01])).anchor_sizes == [4]


def test_what_a_recipe_gives_is_kept():
    given = {"iterations": 90, "milestones": [50], "train_sides": [40], "test_side": 48,
             "longest": 64, "anchor_sizes": [8], "pooler_resolution": 4}  # fmt: skip
    recipe = fit(Annotations(205, 480.0, [0.1]), **given)
    assert {key: getattr(recipe, key) for key in given} == given
    with pytest.raises(SettingsError, match=r"with detection\.epochs above 0, what is 0 or \[\]"):
        fit(Annotations(205, 480.0, [0.1]), epochs=0.0)


def test_what_is_known_of_annotations(voc):
    found, listed = (
        annotations(register(voc, "known")),
        json.loads((voc / "train.json").read_text()),
    )
    assert found.images == len(listed) == 10
    sides = [min(image["width"], image["height"]) for image in listed]
    assert found.side == np.median(sides)
    assert found.boxes == pytest.approx(
        [
            ((x1 - x0) * (y1 - y0)) ** 0.5 / side
            for image, side in zip(listed, sides, strict=True)
            for x0, y0, x1, y1 in (box["bbox"] for box in image["annotations"])
        ]
    )


@pytest.mark.parametrize("init", ["pretrained", "random"])
def test_a_searched_network_is_trained_from_its_weights_or_at_random(
    call, voc, statistics, tmp_path, init
):
    network = {"stem": "cifar", "channels": 4, "cells": 3}
    weights = save_pretrained(tmp_path / "w", random_genotype(0), network=network)
    changes = CHANGES | {"network.cells": network, "detection.voc": FITTED}
    changes["transfer.voc"] = changes["transfer.voc"] | {"network": "cells", "init": init}
    out = call(transfer, "voc", changes, None, labels=voc, weights=weights, statistics=statistics)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["iterations"] == 10  # twice 10 images in batches of 2
    assert metrics["weights_matched"] == (
        len(load_file(weights / "weights.safetensors")) if init == "pretrained" else 0
    )
    classes = json.loads((out / "classes.json").read_text())
    assert len(classes) == metrics["classes"] == 6
    for part in ("train", "test"):
        listed = json.loads((voc / f"{part}.json").read_text())
        boxes = [box for image in listed for box in image["annotations"]]
        counted = [box for box in boxes if part == "train" or not box["difficult"]]
        assert sum(one[f"{part}_boxes"] for one in classes) == len(counted)
    assert sum(one["AP50"] for one in classes) / 6 == pytest.approx(metrics["AP50"])
    assert sum(one["AP"] for one in classes) / 6 == pytest.approx(metrics["AP"])
