"""A pretrained network as the C4 backbone of Detectron2's Faster and Mask R-CNN (FaUNAE sec. IV.D).

The trunk up to the network's stage 4 (`layer3`: C4) feeds the proposals and ROIAlign; the network's
own stage 5 (`layer4`), followed by an extra batch norm, is the ROI head. Nothing is frozen, and
batch norm is tuned with the rest. Networks of cells are cut in `cells.py`.

The network is described in the config itself (MODEL.NETWORK), so that a resolved config is enough
to build the detector again.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from detectron2.config import CfgNode, configurable
from detectron2.layers import NaiveSyncBatchNorm, ShapeSpec, get_norm
from detectron2.modeling import BACKBONE_REGISTRY, ROI_HEADS_REGISTRY, Backbone, build_model
from detectron2.modeling.roi_heads import Res5ROIHeads
from torch import Tensor, nn

from nassl.genotypes import Genotype, validate
from nassl.networks.build import build_network
from nassl.networks.cell_network import CellNetwork
from nassl.networks.split_attention import SplitAttentionConv
from nassl.parallel.processes import world_size
from nassl.settings import Network, SettingsError
from stages.transfer import cells

SMALLEST_STATISTICS = 4  # values per channel from which batch norm takes mean and variance
FEATURE = "res4"  # Detectron2's name of C4
STRIDES = {"imagenet": 16, "cifar": 4}  # of C4, by the network's stem


def describe_network(genotype: Genotype, network: Network) -> CfgNode:
    """The config's MODEL.NETWORK."""
    node = CfgNode(
        {
            "GENOTYPE": CfgNode(genotype.to_json()),
            "STEM": network.stem,
            "CHANNELS": network.channels,
        }
    )
    if genotype.space in cells.SPACES:
        node.CELLS = network.cells
    return node


def described_network(cfg: CfgNode) -> nn.Module:
    """The network of MODEL.NETWORK with fresh weights.

    Raises SettingsError if it has neither four stages of residual blocks nor two cells.
    """
    node = cfg.MODEL.NETWORK
    genotype = validate(dict(node.GENOTYPE), "MODEL.NETWORK.GENOTYPE")
    size = Network(node.STEM, node.CHANNELS, node.get("CELLS", 0))
    network = build_network(genotype, size, 0)
    if isinstance(network, CellNetwork):
        if size.cells < cells.FEWEST:
            raise SettingsError(
                f"the network has {size.cells} cell; a C4 detector needs {cells.FEWEST}: the last "
                "third of them is its ROI head"
            )
        return network
    stages = sum(name.startswith("layer") for name, _ in network.named_children())
    if stages != 4:
        raise SettingsError(
            f"the genotype has {stages} stages of blocks; a C4 detector needs 4: three in the "
            "trunk, the last as ROI head"
        )
    return network


class Trunk(Backbone):
    """All of a network but its last stage: (B, 3, H, W) -> {"res4": (B, C, H / 16, W / 16)}; with
    the stem `cifar` H / 4 and W / 4. Parameters keep the network's names."""

    def __init__(self, network: nn.Module, stride: int) -> None:
        super().__init__()
        for name, module in network.named_children():
            if name != "layer4":
                self.add_module(name, module)
        self.channels, self.stride = network.feature_dim // 2, stride

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = x.contiguous(memory_format=torch.channels_last)
        if hasattr(self, "stem"):
            x = self.stem(x)
        else:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return {FEATURE: self.layer3(self.layer2(self.layer1(x)))}

    def output_shape(self) -> dict[str, ShapeSpec]:
        return {FEATURE: ShapeSpec(channels=self.channels, stride=self.stride)}


@BACKBONE_REGISTRY.register()
def build_trunk(cfg: CfgNode, _: ShapeSpec) -> Backbone:
    network, stem = described_network(cfg), cfg.MODEL.NETWORK.STEM
    if isinstance(network, CellNetwork):
        return cells.CellTrunk(network, cells.STRIDES[stem], FEATURE)
    return Trunk(network, STRIDES[stem])


def stride_of(genotype: Genotype, network: Network) -> int:
    """By how much the map that regions are cut from is smaller than the image."""
    return (cells.STRIDES if genotype.space in cells.SPACES else STRIDES)[network.stem]


@ROI_HEADS_REGISTRY.register()
class Stage5ROIHeads(Res5ROIHeads):
    """Detectron2's C4 head with the network's own stage 5 and MoCo's extra norm after it."""

    @configurable
    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)

    @classmethod
    def _build_res5_block(cls, cfg: CfgNode) -> tuple[nn.Module, int]:
        network = described_network(cfg)
        norm = get_norm(cfg.MODEL.RESNETS.NORM, network.feature_dim)
        is_cells = isinstance(network, CellNetwork)
        stage5 = cells.CellStage5(network) if is_cells else network.layer4
        return nn.Sequential(OrderedDict(layer4=stage5, norm=norm)), network.feature_dim


def build_detector(cfg: CfgNode) -> nn.Module:
    """The detector of a config with random weights, drawn from torch's generator."""
    detector = build_model(cfg)
    if world_size() > 1:
        _synchronise(detector)
    return detector


def train_mode(detector: nn.Module, images: int) -> None:
    """Training mode for batches of `images` in all processes together, whose batch norm is
    synchronised.

    A split-attention block normalises what it has pooled: one value per channel and image. In a
    trunk that sees fewer than SMALLEST_STATISTICS images those norms keep the statistics of
    pretraining (their weights are tuned): of 2 values they would leave only which is larger.
    (Measured on toy scenes, 2 images, four seeds: AP50 33.0, 34.9, 31.6 and 33.0; 7 without.) Stage
    5 sees regions, of which there are enough.
    """
    detector.train()
    if images < SMALLEST_STATISTICS:
        for module in detector.backbone.modules():
            if isinstance(module, SplitAttentionConv):
                module.bn1.eval()


def _synchronise(detector: nn.Module) -> None:
    """Batch norm over the images and regions of all processes, which may have different numbers of
    them; parameters and names stay. PyTorch's is for GPUs, Detectron2's own for any device."""
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            if module.weight.is_cuda:
                module.__class__, module.process_group = _SyncOnGPU, None
            else:
                module.__class__, module._stats_mode = _SyncOnCPU, "N"


class _SyncOnGPU(nn.SyncBatchNorm):
    """Called as the batch norms of cells are: `scale` is for supernets and None here."""

    def forward(self, x: Tensor, scale: None = None) -> Tensor:
        return super().forward(x)


class _SyncOnCPU(NaiveSyncBatchNorm):
    def forward(self, x: Tensor, scale: None = None) -> Tensor:
        return super().forward(x)
