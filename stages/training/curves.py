"""Values per epoch, kept in memory and in the checkpoint, and written through DVCLive."""

from __future__ import annotations

from pathlib import Path

Row = dict[str, float]


class WrittenCurves:
    """The curves of one training: `folder/plots/metrics/<name>.tsv`, one line per epoch.

    A resumed run gives back the rows of its checkpoint, and the same files come out. Clock times do
    not belong here: curves are the same bytes whenever the plan is the same.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Row] = []
        self._live = None

    def restore(self, rows: list[Row]) -> None:
        """Starts the files anew with the rows so far."""
        self.rows = []
        self._open()
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Appends one epoch's values."""
        if self._live is None:
            self._open()
        self.rows.append({name: float(value) for name, value in row.items()})
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
        from dvclive import Live  # 0.4 s: only where something is trained

        self.close()
        # dvc.yaml declares the plots and Git keeps the experiments: DVCLive only writes values, and
        # removes what an earlier start left in the folder.
        self._live = Live(str(self.folder), report=None, save_dvc_exp=False, dvcyaml=None)
