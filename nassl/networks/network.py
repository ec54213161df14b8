"""The base class of all networks, discrete ones and supernets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar, cast

from torch import Tensor, nn

Held = TypeVar("Held")


class FeatureNetwork(nn.Module):
    """Without a head: (B, in_channels, H, W) -> pooled features (B, feature_dim)."""

    feature_dim: int
    # The probability that an edge is dropped for an image in training, a tensor () where a recorded
    # step reads it. Only cells have such edges.
    drop_path: float | Tensor = 0.0
    # (C, h, w) of the map that an auxiliary head would take; None if it was not asked for.
    auxiliary_shape: tuple[int, int, int] | None = None

    def forward_with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, feature_dim) and the map (B, C, h, w) for the auxiliary head."""
        raise NotImplementedError

    def active_parameters(self) -> list[nn.Parameter]:
        """The parameters that a forward pass uses."""
        return list(self.parameters())

    def follow(self, other: Self) -> None:
        """Takes over the present architecture of a supernet of the same kind."""


def module_list(modules: Iterable[Held]) -> Sequence[Held]:
    """nn.ModuleList, for a type checker a sequence of what it holds."""
    return cast("Sequence[Held]", nn.ModuleList(cast("Iterable[nn.Module]", modules)))


def module_dict(modules: Mapping[str, nn.Module]) -> Mapping[str, Any]:
    """nn.ModuleDict, for a type checker a mapping to modules with methods of their own."""
    return cast("Mapping[str, Any]", nn.ModuleDict(modules))
