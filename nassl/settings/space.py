"""Section `space`: what is known of every kind, each of which is in `spaces/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from nassl.settings.kind import Kind


@dataclass
class SpaceSettings(Kind):
    """What is searched. `implementation` is the class of its search network, `(settings) ->
    nn.Module`; a space with nothing to search names none."""

    # Its networks: a stack of cells, with as many channels and cells as `network` says; or four
    # stages of blocks, as a C4 detector needs.
    of_cells: ClassVar[bool]

    def needed(self) -> tuple[str, ...]:
        return "of_cells", "drawn", "typical"

    def drawn(self, seed: int) -> Any:
        """A uniformly drawn genotype."""
        raise NotImplementedError

    def typical(self) -> Any:
        """The genotype that is counted in place of one that has not been found yet."""
        raise NotImplementedError

    def operations(self) -> int:
        """The largest number of operations that a place has to choose from."""
        return 1
