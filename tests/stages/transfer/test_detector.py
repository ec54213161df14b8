"""The detector against Detectron2's own R50-C4, and the weights that go into it."""

from __future__ import annotations

import math

import pytest
import torch
from detectron2.config import CfgNode, get_cfg
from detectron2.modeling import build_model
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage
from safetensors.torch import load_file, save_file
from torch import nn

from nassl.files import InputError
from nassl.genotypes import read_genotype
from nassl.genotypes.block import from_choice, random_blocks, resnet50
from nassl.genotypes.cell import random_genotype
from nassl.genotypes.resnet import ResNetGenotype
from nassl.settings import Detection, Network, SettingsError
from stages.transfer.config import Sets, detectron2_config
from stages.transfer.detector import build_detector, described_network, train_mode
from stages.transfer.weights import check_features, convert, detector_key, load_pretrained
from tests.stages.transfer.detectors import DETECTION, MEAN, NETWORK, STD, save_pretrained

IMAGENET = {"stem": "imagenet", "channels": 64}


def config(genotype, network=NETWORK, classes=3, **changes) -> CfgNode:
    settings = Detection(**{**DETECTION, **changes})
    sets = Sets("train", "test", classes)
    return detectron2_config(settings, genotype, Network(**network), sets, MEAN, STD, "cpu")


def detectrons_own_name(key: str) -> str:
    """The name in Detectron2's R50-C4 of a parameter of the block network."""
    for number in range(1, 5):
        key = key.replace(f"layer{number}.", f"res{number + 1}.")
    key = key.replace("roi_heads.res5.res5.", "roi_heads.res5.")
    key = key.replace("operation.conv.", "conv2.").replace("operation.bn.", "conv2.norm.")
    key = key.replace("downsample.0.", "shortcut.").replace("downsample.1.", "shortcut.norm.")
    return key.replace("bn1.", "conv1.norm.").replace("bn3.", "conv3.norm.")


@pytest.mark.parametrize("genotype", [resnet50(), ResNetGenotype(50)], ids=["block", "resnet"])
def test_resnet50_is_detectron2s_own_r50_c4(genotype):
    theirs = get_cfg()
    theirs.MODEL.DEVICE = "cpu"
    theirs.MODEL.BACKBONE.FREEZE_AT = 0
    theirs.MODEL.RESNETS.NORM = "BN"
    theirs.MODEL.RESNETS.STRIDE_IN_1X1 = False
    theirs.MODEL.MASK_ON = False
    theirs.MODEL.ROI_HEADS.NUM_CLASSES = 20
    reference = build_model(theirs).eval()
    detector = build_detector(config(genotype, IMAGENET, 20, anchor_sizes=[32, 64, 128, 256, 512],
                                     anchor_ratios=[0.5, 1.0, 2.0])).eval()  # fmt: skip

    own = {key: p for key, p in detector.named_parameters() if ".res5.norm." not in key}
    assert len(own) == len(list(reference.parameters()))
    if genotype.space == "block":
        with torch.no_grad():
            state = reference.state_dict()
            for key, value in detector.state_dict().items():
                if ".res5.norm." not in key and "num_batches_tracked" not in key:
                    if value.dim() == 1 and "bn" in key:
                        value.uniform_(0.5, 1.5)  # statistics that matter
                    state[detectrons_own_name(key)].copy_(value)
        image = torch.rand(1, 3, 96, 128) * 2 - 1
        with torch.no_grad():
            one, two = detector.backbone(image)["res4"], reference.backbone(image)["res4"]
            assert one.shape == two.shape == (1, 1024, 6, 8)
            assert torch.allclose(one, two, rtol=1e-4, atol=1e-4 * one.abs().max().item())
            region = torch.rand(2, 1024, 14, 14)
            one = detector.roi_heads.res5.layer4(region)
            two = reference.roi_heads.res5(region)
            assert one.shape == two.shape == (2, 2048, 7, 7)
            assert torch.allclose(one, two, rtol=1e-4, atol=1e-4 * one.abs().max().item())


def test_any_block_genotype_and_the_extra_norm():
    genotype = random_blocks((2, 1, 2, 2), seed=3)
    detector = build_detector(config(genotype))
    assert isinstance(detector.roi_heads.res5.norm, nn.BatchNorm2d)
    assert all(parameter.requires_grad for parameter in detector.parameters())
    assert detector.backbone.output_shape()["res4"].stride == 4
    described = described_network(config(genotype))
    assert detector.roi_heads.res5.layer4[0].operation.__class__ is (
        described.layer4[0].operation.__class__
    )


def test_networks_that_make_no_c4_are_refused():
    with pytest.raises(SettingsError, match=r"the genotype has 2 stages of blocks; .* needs 4"):
        build_detector(config(resnet50((1, 1))))
    with pytest.raises(SettingsError, match=r"the network has 1 cell; a C4 detector needs 2"):
        build_detector(config(random_genotype(0), {**NETWORK, "cells": 1}))


def test_the_recipe_is_scaled_as_a_whole_to_fewer_devices():
    paper = {"reference_devices": 8, "images_per_batch": 16, "learning_rate": 0.02,
             "iterations": 18000, "milestones": [12000, 16000],
             "warmup_iterations": 100}  # fmt: skip
    whole = config(resnet50(), **paper, devices=8).SOLVER
    assert (whole.IMS_PER_BATCH, whole.BASE_LR, whole.MAX_ITER) == (16, 0.02, 18000)
    two = config(resnet50(), **paper, devices=2).SOLVER
    assert (two.IMS_PER_BATCH, two.MAX_ITER, tuple(two.STEPS)) == (4, 72000, (48000, 64000))
    assert math.isclose(two.BASE_LR, 0.005)
    assert two.WARMUP_ITERS == 400
    one = config(resnet50(), **paper, devices=0)
    assert (one.SOLVER.IMS_PER_BATCH, one.SOLVER.MAX_ITER) == (2, 144000)
    with pytest.raises(SettingsError, match="images_per_batch is 6; it must be a multiple of"):
        config(resnet50(), **{**paper, "images_per_batch": 6}, devices=8)


# ---------------------------------------------------------------- weights ----


def loaded(folder, genotype):
    cfg = config(genotype)
    network, detector = described_network(cfg), build_detector(cfg)
    load_pretrained(folder / "weights.safetensors", network)
    return network, detector


@pytest.mark.parametrize(
    "genotype", [from_choice((1, 1, 1, 2), ["conv_3x3", "sa_conv_3x3_r2", "conv_5x5", "conv_3x3",
                                            "identity"]), ResNetGenotype(50)],
    ids=["block", "resnet"],
)  # fmt: skip
def test_every_weight_arrives_and_only_new_heads_keep_theirs(tmp_path, genotype):
    folder = save_pretrained(tmp_path, genotype)
    assert read_genotype(folder / "genotype.json") == genotype
    network, detector = loaded(folder, genotype)
    before = {key: value.clone() for key, value in detector.state_dict().items()}
    matched = convert(network, detector)
    file = load_file(folder / "weights.safetensors")
    assert matched == len(file)
    after = detector.state_dict()
    assert all(torch.equal(after[detector_key(key)], value) for key, value in file.items())
    kept = {key for key in after if key not in map(detector_key, file)}
    assert {key.split(".")[0] for key in kept} == {"proposal_generator", "roi_heads"}
    assert all(torch.equal(before[key], after[key]) for key in kept)
    image = torch.randint(0, 256, (3, 40, 56), dtype=torch.uint8)
    check_features(network, detector, image, MEAN, STD)


def test_weights_of_retrain_come_without_their_classifier(tmp_path):
    folder = save_pretrained(tmp_path, resnet50((1, 1, 1, 1)))
    plain = load_file(folder / "weights.safetensors")
    retrained = {f"network.{key}": value for key, value in plain.items()}
    retrained |= {"classifier.weight": torch.zeros(7, 128), "classifier.bias": torch.zeros(7)}
    save_file(retrained, folder / "weights.safetensors")
    network, detector = loaded(folder, resnet50((1, 1, 1, 1)))
    assert convert(network, detector) == len(plain)
    assert torch.equal(detector.backbone.stem.conv1.weight, plain["stem.conv1.weight"])


def test_weights_that_do_not_fit_are_refused(tmp_path):
    folder = save_pretrained(tmp_path, resnet50((1, 1, 1, 1)))
    file = load_file(folder / "weights.safetensors")
    file.pop("layer3.0.bn1.weight")
    save_file(file, folder / "weights.safetensors")
    with pytest.raises(InputError, match=r"it lacks 1 of \d+ keys, first 'layer3.0.bn1.weight'"):
        loaded(folder, resnet50((1, 1, 1, 1)))
    network = described_network(config(resnet50((1, 1, 1, 2))))
    detector = build_detector(config(resnet50((1, 1, 1, 1))))
    with pytest.raises(InputError, match=r"'roi_heads.res5.layer4.1.*nothing in the detector"):
        convert(network, detector)
    detector = build_detector(config(resnet50((2, 1, 1, 2))))
    with pytest.raises(InputError, match=r"belong to no new head, first \['backbone.layer1.1"):
        convert(network, detector)


def test_another_scaling_of_the_input_is_noticed(tmp_path):
    folder = save_pretrained(tmp_path, resnet50((1, 1, 1, 1)))
    network, detector = loaded(folder, resnet50((1, 1, 1, 1)))
    convert(network, detector)
    image = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    with pytest.raises(InputError, match="give another C4 map: largest difference"):
        check_features(network, detector, image, [0.0, 0.5, 0.5], STD)


def test_another_stage_5_is_noticed(tmp_path):
    folder = save_pretrained(tmp_path, resnet50((1, 1, 1, 1)))
    network, detector = loaded(folder, resnet50((1, 1, 1, 1)))
    convert(network, detector)
    with torch.no_grad():
        detector.roi_heads.res5.layer4[0].bn3.running_mean += 1
    image = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    with pytest.raises(InputError, match="give another map after stage 5: largest difference"):
        check_features(network, detector, image, MEAN, STD)


@pytest.mark.parametrize(("images", "tuned"), [(2, False), (4, True)])
def test_no_batch_norm_in_training_mode_sees_fewer_than_four_values(images, tuned):
    genotype = from_choice((1, 1, 1, 1), ["sa_conv_3x3_r2", "sa_conv_5x5_r4"] * 2)
    detector = build_detector(config(genotype))
    train_mode(detector, images)
    seen = {}

    def look(name):
        def hook(module, inputs):
            values = inputs[0].numel() // inputs[0].shape[1]
            seen[name] = values if module.training else math.inf

        return hook

    norms = {n: m for n, m in detector.named_modules() if isinstance(m, nn.BatchNorm2d)}
    for name, module in norms.items():
        module.register_forward_pre_hook(look(name))
    batch = [
        {
            "image": torch.randint(0, 256, (3, 48, 48), dtype=torch.uint8),
            "instances": Instances(
                (48, 48),
                gt_boxes=Boxes(torch.tensor([[4.0, 4.0, 30.0, 30.0]])),
                gt_classes=torch.tensor([1]),
            ),
        }
        for _ in range(images)
    ]
    with EventStorage():
        sum(detector(batch).values()).backward()
    assert seen.keys() == norms.keys()
    assert min(seen.values()) >= 4
    pooled = [n for n in norms if n.startswith("backbone") and n.endswith("operation.bn1")]
    assert len(pooled) == 3
    assert all((seen[name] == images) is tuned for name in pooled)
    assert all(norms[name].weight.grad is not None for name in pooled)


def test_the_resolved_config_alone_builds_the_detector_again():
    cfg = config(random_blocks((1, 1, 1, 1), seed=1), kind="mask-rcnn-c4")
    again = get_cfg()
    again.MODEL.NETWORK = CfgNode(new_allowed=True)
    again.merge_from_other_cfg(CfgNode.load_cfg(cfg.dump()))
    shapes = [{k: v.shape for k, v in build_detector(c).state_dict().items()} for c in (cfg, again)]
    assert shapes[0] == shapes[1]
    assert again.MODEL.NETWORK.GENOTYPE.space == "block"
    assert any("mask_head" in key for key in shapes[0])


def test_roi_align_is_the_compiled_kernel_whatever_is_deterministic(monkeypatch):
    """torchvision's way in Python needs terabytes for a C4 detector; it is taken on a GPU where
    deterministic algorithms are asked for, which is simulated by looking at what was asked for."""
    import torchvision.ops
    from detectron2.layers import ROIAlign

    from stages.transfer.compatibility import prepare_detectron2

    seen = []

    def kernel(x, *_):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return x

    monkeypatch.setattr(torchvision.ops, "roi_align", kernel)
    before = torch.get_deterministic_debug_mode()
    try:
        prepare_detectron2()
        torch.set_deterministic_debug_mode("error")
        ROIAlign((2, 2), 1.0, 0)(torch.rand(1, 1, 4, 4), torch.tensor([[0.0, 0, 0, 3, 3]]))
        assert torch.get_deterministic_debug_mode() == 2
    finally:
        torch.set_deterministic_debug_mode(before)
        monkeypatch.undo()
        prepare_detectron2()
    assert seen == [False]
