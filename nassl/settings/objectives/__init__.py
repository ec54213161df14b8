"""The objectives: every module here is imported, and every kind in it is available."""

from __future__ import annotations

from nassl.settings.kind import import_all
from nassl.settings.objective import ObjectiveSettings

import_all(__name__, __path__)
OBJECTIVES = ObjectiveSettings.available


def training_kinds(needs_labels: bool) -> list[str]:
    """The kinds that train with labels, or without."""
    return [
        name
        for name, kind in OBJECTIVES.items()
        if kind.trains and kind.needs_labels == needs_labels
    ]
