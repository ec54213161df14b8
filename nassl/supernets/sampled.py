"""What both weight-sharing networks of FaUNAE have in common: one operation is chosen for each
place, and a forward pass touches the chosen operations only (FaUNAE sec. III.A)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

from nassl.networks.network import FeatureNetwork


class SampledSupernet(FeatureNetwork):
    """A place is a block, or an edge of one kind of cell. Subclasses register modules and fill
    `places`: for every place its operations by name, each with the modules that carry it (one per
    cell that has the edge; none for an operation that is not there at all, like identity).

    Parameters that were not used keep `grad = None`, so that an optimiser leaves them, their
    momentum and their weight decay alone: a step costs what the sub-network costs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: list[dict[str, list[nn.Module]]] = []
        self._choice: tuple[str, ...] = ()
        self._active: list[nn.Parameter] | None = None  # of this choice, once asked for

    @property
    def candidates(self) -> tuple[tuple[str, ...], ...]:
        """The names of the operations of every place."""
        return tuple(tuple(place) for place in self.places)

    @property
    def choice(self) -> tuple[str, ...]:
        """The operation that each place has now: the sub-network."""
        return self._choice

    @choice.setter
    def choice(self, choice: Sequence[str]) -> None:
        if len(choice) != len(self.places):
            raise ValueError(f"{len(choice)} operations for {len(self.places)} places")
        for number, (operation, place) in enumerate(zip(choice, self.places, strict=True)):
            if operation not in place:
                raise ValueError(
                    f"place {number} has no operation {operation!r}; available: {', '.join(place)}"
                )
        if tuple(choice) != self._choice:
            self._choice, self._active = tuple(choice), None

    def follow(self, other: Self) -> None:
        self.choice = other.choice

    def sizes(self) -> tuple[dict[str, float], ...]:
        """Parameters in millions of each operation of each place: MS of FaUNAE's eq. 2."""
        return tuple(
            {
                name: sum(p.numel() for module in modules for p in module.parameters()) / 1e6
                for name, modules in place.items()
            }
            for place in self.places
        )

    def active_parameters(self) -> list[nn.Parameter]:
        """The parameters of the current sub-network, shared ones first, in a fixed order."""
        if self._active is None:
            self._active = self._find_active()
        return self._active

    def _find_active(self) -> list[nn.Parameter]:
        own = [
            {
                name: [p for module in modules for p in module.parameters()]
                for name, modules in items
            }
            for items in (place.items() for place in self.places)
        ]
        optional = {id(p) for place in own for listed in place.values() for p in listed}
        shared = [p for p in self.parameters() if id(p) not in optional]
        chosen = [p for place, name in zip(own, self._choice, strict=True) for p in place[name]]
        return shared + chosen

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> pooled features (B, feature_dim) of the chosen sub-network."""
        raise NotImplementedError
