"""Plans that several tests look at: each is composed once, which takes Hydra half a second."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from stages.plan.__main__ import plan


def composed(*overrides: str) -> dict[str, Any]:
    """`plan` of the overrides; a copy, which a test may change."""
    return copy.deepcopy(_composed(overrides))


@cache
def _composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    return plan(list(overrides))
