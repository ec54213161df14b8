"""What was filled in, clipped or left out while data were read: counted, with an example.

Nothing is changed silently: remarks are printed, written to the manifest and shown by the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Remarks:
    """Remarks by part and text, with the number of cases and the first one."""

    found: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def add(self, part: str, text: str, where: str, count: int = 1) -> None:
        entry = self.found.setdefault((part, text), [0, where])
        entry[0] += count

    def listed(self) -> list[dict[str, Any]]:
        """The remarks for the manifest: part, count, text, first."""
        return [
            {"part": part, "count": count, "text": text, "first": first}
            for (part, text), (count, first) in self.found.items()
        ]

    def lines(self) -> list[str]:
        """The remarks as lines for the terminal."""
        return [
            f"{part}: {count} {text} (first: {first})"
            for (part, text), (count, first) in self.found.items()
        ]
