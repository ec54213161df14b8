"""CIFAR and STL-10, from their publishers' files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nassl.settings.data import Data, Size


@dataclass
class Cifar10(Data, kind="cifar10"):
    implementation: ClassVar[str] = "stages.prepare.published:published"
    released: ClassVar[Size | None] = Size(50_000, 10_000, 0, 10)


@dataclass
class Cifar100(Data, kind="cifar100"):
    implementation: ClassVar[str] = "stages.prepare.published:published"
    released: ClassVar[Size | None] = Size(50_000, 10_000, 0, 100)


@dataclass
class Stl10(Data, kind="stl10"):
    implementation: ClassVar[str] = "stages.prepare.published:published"
    released: ClassVar[Size | None] = Size(5_000, 8_000, 100_000, 10)
