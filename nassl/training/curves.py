"""Values per epoch of one training, kept in memory and in the checkpoint."""

from __future__ import annotations

Row = dict[str, float]


class Curves:
    """One row per epoch. A resumed training restores the rows of its checkpoint."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def restore(self, rows: list[Row]) -> None:
        """Starts again with the rows so far."""
        self.rows = []
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Appends one epoch's values."""
        self.rows.append({name: float(value) for name, value in row.items()})

    def close(self) -> None:
        """Called after the last row."""
