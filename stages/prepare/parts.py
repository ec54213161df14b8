"""Parts of a data set before they are written, and how many images of each are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nassl.files import InputError
from nassl.settings import Data
from stages.layouts.remarks import Remarks

CHOICE_STREAM = 1_000_004  # keeps these random numbers apart from those of drawing and of orders


@dataclass
class Part:
    """Images of one part and, unless it has none, their class indices (N,)."""

    pixels: np.ndarray | None  # uint8 (N, side, side, 3); None if indexed
    labels: np.ndarray | None
    paths: list[str] | None = None  # indexed: relative to `Prepared.root`
    moments: np.ndarray | None = None  # indexed: (N, 2, 3), per image mean of x and of x squared
    digests: list[bytes] | None = None  # of files: SHA-256 of each file's bytes

    def __len__(self) -> int:
        return len(self.paths) if self.pixels is None else len(self.pixels)

    def taken(self, indices: np.ndarray) -> Part:
        """The part with only these images, in this order."""
        return Part(
            None if self.pixels is None else self.pixels[indices],
            None if self.labels is None else self.labels[indices],
            None if self.paths is None else [self.paths[i] for i in indices],
            None if self.moments is None else self.moments[indices],
            None if self.digests is None else [self.digests[i] for i in indices],
        )


@dataclass
class Prepared:
    """Everything that is known before it is written. `classes` None: no labels at all."""

    parts: dict[str, Part]
    classes: list[str] | None
    root: str | None = None  # indexed: absolute path of the folder that holds the images
    skipped: list[dict[str, str]] = field(default_factory=list)  # path, sha256, reason
    notes: dict[str, Any] = field(default_factory=dict)  # for the manifest of the images
    source: dict[str, Any] | None = None  # packed: the folder as it was, for the report
    remarks: Remarks = field(default_factory=Remarks)  # for the user

    def limited(self, settings: Data) -> Prepared:
        """At most `settings.train`, `.test`, `.unlabeled` images (0: all), drawn without a label.

        Raises InputError if there are fewer, or if a part that is asked for is missing.
        """
        for name in ("train", "test", "unlabeled"):
            wanted, part = getattr(settings, name), self.parts.get(name)
            if wanted > (0 if part is None else len(part)):
                raise InputError(
                    f"data.{name} asks for {wanted} images of {settings.kind}; there are "
                    f"{0 if part is None else len(part)}; ask for fewer, or for all with 0"
                )
            if wanted:
                random = np.random.default_rng([settings.seed, CHOICE_STREAM, len(name)])
                self.parts[name] = part.taken(np.sort(random.permutation(len(part))[:wanted]))
        return self
