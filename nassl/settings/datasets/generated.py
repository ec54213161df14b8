"""Images that are drawn: the stand-ins for published data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.data import Data


@dataclass
class Digits(Data, kind="digits"):
    """Scikit-learn's digits in coloured clutter."""

    distractors: int = 0  # halves of other digits that lie behind each

    implementation: ClassVar[str] = "stages.prepare.digits:digits"
    drawn_classes: ClassVar[int] = 10


@dataclass
class Shapes(Data, kind="shapes"):
    """Coloured shapes."""

    implementation: ClassVar[str] = "stages.prepare.shapes:shapes"
    drawn_classes: ClassVar[int] = 24
