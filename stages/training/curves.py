"""Values per epoch, written through DVCLive."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nassl.training.curves import Curves, Row


@contextmanager
def missing(module: str) -> Iterator[None]:
    """Inside, `import module` raises ImportError: for a package that takes long to import and does
    without. A module that is already imported stays."""
    hide = module not in sys.modules
    if hide:
        sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hide:
            del sys.modules[module]


class WrittenCurves(Curves):
    """The curves of one training: `folder/plots/metrics/<name>.tsv`, one line per epoch.

    A resumed run writes the same files. Clock times do not belong here: curves are the same bytes
    whenever the plan is the same.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._live = None

    def restore(self, rows: list[Row]) -> None:
        """Starts the files again with the rows so far."""
        self._open()
        super().restore(rows)

    def add(self, row: Row) -> None:
        """Appends one epoch's values."""
        if self._live is None:
            self._open()
        super().add(row)
        for name, value in self.rows[-1].items():
            self._live.log_metric(name, value)
        self._live.next_step()

    def close(self) -> None:
        """Ends the files; a run without a row leaves an empty folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._live is not None:
            self._live.end()
            self._live = None

    def _open(self) -> None:
        with missing("pandas"):  # what DVCLive would log tables with, and half of its import's time
            from dvclive import Live  # 0.4 s: only where something is trained

        self.close()
        # dvc.yaml declares the plots and Git keeps the experiments: DVCLive only writes values, and
        # removes what an earlier start left in the folder.
        self._live = Live(str(self.folder), report=None, save_dvc_exp=False, dvcyaml=None)
