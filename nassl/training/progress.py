"""What a person sees of a training: a bar on a terminal, one line per epoch in a log."""

from __future__ import annotations

import sys
import time


class Progress:
    """Writes to stderr; `label` names the training."""

    def __init__(self, label: str, epochs: int, steps: int) -> None:
        self.label, self.epochs, self.steps = label, epochs, steps
        self._bar = None

    def epoch(self, epoch: int, done: int) -> None:
        """An epoch begins, with `done` of its steps already taken before a restart."""
        self._start = time.monotonic()
        if sys.stderr.isatty():
            from tqdm import tqdm

            name = f"{self.label} {epoch + 1}/{self.epochs}"
            self._bar = tqdm(total=self.steps, initial=done, desc=name, leave=False)

    def step(self, loss: float) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            self._bar.update()

    def end(self, epoch: int, row: dict[str, float], waited: float, remark: str = "") -> None:
        """An epoch ends; `waited` is the share of its steps' time spent waiting for data. A
        `remark` gets a line of its own."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        seconds = time.monotonic() - self._start
        values = "  ".join(f"{name} {value:.4g}" for name, value in row.items())
        print(
            f"{self.label} {epoch + 1}/{self.epochs}  {values}  "
            f"{seconds:.1f} s, {waited:.0%} waiting for data",
            file=sys.stderr,
        )
        if remark:
            print(f"{self.label} {epoch + 1}/{self.epochs}  {remark}", file=sys.stderr)
