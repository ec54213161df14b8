"""What a strategy ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nassl.genotypes import Genotype


@dataclass
class Found:
    """What a search ends with. `history` becomes alphas.json; curves are written meanwhile."""

    genotype: Genotype
    metrics: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    device: str = "cpu"
