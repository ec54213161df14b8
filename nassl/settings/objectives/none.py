"""No objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.objective import ObjectiveSettings


@dataclass
class NoObjective(ObjectiveSettings, kind="none"):
    """Nothing is trained."""

    trains: ClassVar[bool] = False
