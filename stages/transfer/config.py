"""Detectron2's config of a run: the papers' recipe, scaled to the available devices."""

from __future__ import annotations

from dataclasses import dataclass

from detectron2.config import CfgNode, get_cfg
from detectron2.engine import DefaultTrainer

from nassl.genotypes import Genotype
from nassl.settings import Detection, Network, SettingsError
from stages.transfer.cells import PROPOSALS
from stages.transfer.cells import SPACES as CELLS
from stages.transfer.detector import FEATURE, Stage5ROIHeads, build_trunk, describe_network


@dataclass(frozen=True)
class Sets:
    """Names under which Detectron2 knows the data, and how many classes they have."""

    train: str
    test: str
    classes: int


def detectron2_config(
    settings: Detection,
    genotype: Genotype,
    network: Network,
    sets: Sets,
    mean: list[float],
    std: list[float],
    device: str,
    workers: int = 0,
) -> CfgNode:
    """The resolved config. `mean` and `std` are those of pretraining, for pixels in [0, 1];
    `workers` processes read images.

    Raises SettingsError for a recipe that cannot be scaled.
    """
    cfg = get_cfg()
    model, solver = cfg.MODEL, cfg.SOLVER
    model.DEVICE = device
    model.NETWORK = describe_network(genotype, network)
    model.BACKBONE.NAME = build_trunk.__name__
    model.BACKBONE.FREEZE_AT = 0
    model.RESNETS.NORM = "BN"  # synchronised where several processes train (build_detector)
    model.RESNETS.DEPTH = 0  # of Detectron2's own ResNet, which is not used
    model.PIXEL_MEAN = [255 * value for value in mean]
    model.PIXEL_STD = [255 * value for value in std]
    model.MASK_ON = settings.kind == "mask-rcnn-c4"
    model.ANCHOR_GENERATOR.SIZES = [settings.anchor_sizes]
    model.ANCHOR_GENERATOR.ASPECT_RATIOS = [settings.anchor_ratios]
    model.RPN.IN_FEATURES = [PROPOSALS if genotype.space in CELLS else FEATURE]
    model.RPN.BATCH_SIZE_PER_IMAGE = settings.anchors_per_image
    model.RPN.PRE_NMS_TOPK_TRAIN, model.RPN.POST_NMS_TOPK_TRAIN = settings.proposals_train
    model.RPN.PRE_NMS_TOPK_TEST, model.RPN.POST_NMS_TOPK_TEST = settings.proposals_test
    model.ROI_HEADS.NAME = Stage5ROIHeads.__name__
    model.ROI_HEADS.IN_FEATURES = [FEATURE]
    model.ROI_HEADS.NUM_CLASSES = sets.classes
    model.ROI_HEADS.BATCH_SIZE_PER_IMAGE = settings.rois_per_image
    model.ROI_BOX_HEAD.POOLER_RESOLUTION = settings.pooler_resolution
    cfg.INPUT.FORMAT = "RGB"
    cfg.INPUT.MIN_SIZE_TRAIN, cfg.INPUT.MIN_SIZE_TEST = settings.train_sides, settings.test_side
    cfg.INPUT.MAX_SIZE_TRAIN = cfg.INPUT.MAX_SIZE_TEST = settings.longest
    cfg.DATALOADER.NUM_WORKERS = workers
    cfg.DATASETS.TRAIN, cfg.DATASETS.TEST = (sets.train,), (sets.test,)
    solver.IMS_PER_BATCH, solver.BASE_LR = settings.images_per_batch, settings.learning_rate
    solver.MAX_ITER, solver.STEPS = settings.iterations, tuple(settings.milestones)
    solver.WARMUP_ITERS = settings.warmup_iterations
    solver.MOMENTUM, solver.WEIGHT_DECAY = settings.momentum, settings.weight_decay
    cfg.TEST.PRECISE_BN.ENABLED = settings.precise_bn_iterations > 0
    cfg.TEST.PRECISE_BN.NUM_ITER = settings.precise_bn_iterations
    return scaled(cfg, settings)


def scaled(cfg: CfgNode, settings: Detection) -> CfgNode:
    """Images per batch, learning rate, steps, warm-up and iterations changed together, linearly,
    from the devices that the recipe is for to those that available: Detectron2's own rule."""
    devices = max(settings.devices, 1)
    per_device = settings.images_per_batch / settings.reference_devices
    if per_device != int(per_device) or per_device < 1:
        raise SettingsError(
            f"detection.images_per_batch is {settings.images_per_batch}; it must be a multiple of "
            f"detection.reference_devices, {settings.reference_devices}"
        )
    cfg.SOLVER.REFERENCE_WORLD_SIZE = settings.reference_devices
    return DefaultTrainer.auto_scale_workers(cfg, devices)
