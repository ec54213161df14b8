"""Published networks: `{"space": "resnet", "depth": 18}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nassl.files import InputError
from nassl.genotypes.keys import check_keys

RESNET_DEPTHS = (18, 50)


@dataclass(frozen=True)
class ResNetGenotype:
    """A published ResNet; nothing of it is searched."""

    depth: int
    space: ClassVar[str] = "resnet"

    def to_json(self) -> dict[str, Any]:
        return {"space": self.space, "depth": self.depth}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], where: str) -> ResNetGenotype:
        check_keys(content, ("space", "depth"), where)
        depth = content["depth"]
        if type(depth) is not int or depth not in RESNET_DEPTHS:
            allowed = ", ".join(map(str, RESNET_DEPTHS))
            raise InputError(f"{where}: depth is {depth!r}; available: {allowed}")
        return cls(depth)
