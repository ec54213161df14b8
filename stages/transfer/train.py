"""Fine-tuning of a detector, resumable after any iteration, bit for bit on a CPU."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from detectron2.config import CfgNode
from detectron2.engine.hooks import PreciseBN
from detectron2.solver import build_lr_scheduler, build_optimizer
from detectron2.utils.events import EventStorage
from torch import nn

from nassl.parallel.distributed import any_of, average, draw_apart
from nassl.training.checkpoint import Checkpoint
from nassl.training.memory import explain_memory
from nassl.training.non_finite import NonFiniteError
from nassl.training.progress import Progress
from nassl.training.seeds import seed_step
from nassl.training.waiting import Waiting, slowed_down
from stages.training.curves import WrittenCurves
from stages.transfer.data import training_batches
from stages.transfer.detector import train_mode

ROWS = 20  # of the curves: how often the mean losses are written


@dataclass
class Training:
    """A detector in training; `state` is all that the rest of its training depends on."""

    cfg: CfgNode
    detector: nn.Module
    seed: int
    iteration: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the losses since the last row
    extra: dict[str, Any] = field(default_factory=dict)  # kept with the state for the caller

    def __post_init__(self) -> None:
        self.optimizer = build_optimizer(self.cfg, self.detector)
        self.scheduler = build_lr_scheduler(self.cfg, self.optimizer)
        self.device = self.detector.pixel_mean.device
        self.rate = 0.0  # of the newest iteration
        self.waited = 0.0  # seconds, for batches
        self.decoders = max(self.cfg.DATALOADER.NUM_WORKERS, 1)  # 0: this process itself
        self.every = max(self.cfg.SOLVER.MAX_ITER // ROWS, 1)

    def state(self, curves: WrittenCurves) -> dict[str, Any]:
        return {
            "detector": self.detector.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "iteration": self.iteration,
            "sums": self.sums,
            "curves": curves.rows,
            "extra": self.extra,
        }

    def resume(self, checkpoint: Checkpoint, curves: WrittenCurves) -> None:
        """Goes on from the checkpoint, if there is one."""
        state = checkpoint.load(self.cfg.MODEL.DEVICE)
        if state is None:
            return
        self.detector.load_state_dict(state["detector"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.iteration, self.sums, self.extra = state["iteration"], state["sums"], state["extra"]
        curves.restore(state["curves"])
        checkpoint.place = f"iteration {self.iteration}"

    def run(self, checkpoint: Checkpoint, curves: WrittenCurves, label: str) -> None:
        """All iterations that are left, then precise batch norm statistics.

        Raises NonFiniteError, and SystemExit(75) after SIGTERM or SIGINT, then with the iteration
        finished and saved.
        """
        last = self.cfg.SOLVER.MAX_ITER
        interruption = checkpoint.run.interruption
        interruption.deferred = True
        progress = Progress(label, math.ceil(last / self.every), self.every)
        waiting = Waiting(lambda: self.waited, checkpoint.run.cost)
        train_mode(self.detector, self.cfg.SOLVER.IMS_PER_BATCH)
        began = self.iteration
        if began < last:
            batches = training_batches(self.cfg, self.seed, began)
            progress.epoch(began // self.every, began % self.every)
            waiting.begin()
        with EventStorage(began):
            while self.iteration < last:
                asked = time.perf_counter()
                batch = next(batches)
                self.waited += time.perf_counter() - asked
                losses = self._step(batch, checkpoint)
                progress.step(losses["total"])
                if self.iteration % self.every == 0 or self.iteration == last:
                    self._row(curves, progress, waiting)
                leaving = any_of(interruption.requested, self.device)
                if checkpoint.due(epoch_ends=False) or leaving:
                    waiting.count()
                    checkpoint.save(self.state(curves), f"iteration {self.iteration}")
                if leaving:
                    interruption.leave()
        if self.iteration > began:
            checkpoint.save(self.state(curves), f"iteration {self.iteration}")
        interruption.deferred = False
        curves.close()
        self._precise_statistics()
        self.detector.eval()

    def _step(self, batch: list[dict[str, Any]], checkpoint: Checkpoint) -> dict[str, float]:
        seed_step(self.seed, self.iteration, 0, "detector")  # anchors and regions are sampled
        draw_apart()
        try:
            values = self._moved(batch)
        except FloatingPointError as error:  # Detectron2 looks at the proposals before any loss
            raise self._diverged(f"Detectron2 says: {error}", checkpoint) from error
        except (RuntimeError, MemoryError) as error:
            raise explain_memory(error, len(batch), "detection.images_per_batch") from error
        if not math.isfinite(values["total"]):
            raise self._diverged(f"the losses are {values}", checkpoint)
        self.scheduler.step()
        self.iteration += 1
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        return values

    def _moved(self, batch: list[dict[str, Any]]) -> dict[str, float]:
        """One step of the optimizer; the losses, read once, after it."""
        losses = self.detector(batch)
        loss = sum(losses.values())
        self.optimizer.zero_grad()
        loss.backward()
        found = {name: value.detach() for name, value in losses.items()} | {"total": loss.detach()}
        average([*found.values(), *(p.grad for p in self.detector.parameters())])
        self.rate = self.optimizer.param_groups[0]["lr"]
        self.optimizer.step()
        return dict(zip(found, torch.stack([*found.values()]).tolist(), strict=True))

    def _diverged(self, what: str, checkpoint: Checkpoint) -> NonFiniteError:
        saved = f"{checkpoint.last} ({checkpoint.place})" if checkpoint.place else "none"
        return NonFiniteError(
            f"iteration {self.iteration + 1} of {self.cfg.SOLVER.MAX_ITER}: {what}; learning rate "
            f"{self.rate:g}; last good checkpoint: {saved}; lower detection.learning_rate or "
            "lengthen detection.warmup_iterations"
        )

    def _row(self, curves: WrittenCurves, progress: Progress, waiting: Waiting) -> None:
        count = (self.iteration - 1) % self.every + 1
        row = {name: value / count for name, value in sorted(self.sums.items())}
        row["learning_rate"] = self.rate
        curves.add(row)
        waiting.count()
        slow = slowed_down(waiting.share, self.decoders, self.device, nvjpeg=False)
        progress.end((self.iteration - 1) // self.every, row, waiting.share, slow)
        self.sums = {}
        if self.iteration < self.cfg.SOLVER.MAX_ITER:
            progress.epoch(self.iteration // self.every, 0)
            waiting.begin()

    def _precise_statistics(self) -> None:
        """Batch norm's means and variances over many batches with the final weights, in place of
        running ones (MoCo's detection configs: TEST.PRECISE_BN)."""
        count = self.cfg.TEST.PRECISE_BN.NUM_ITER
        if not self.cfg.TEST.PRECISE_BN.ENABLED:
            return
        batches = training_batches(self.cfg, self.seed, 0, stream="statistics")
        seed_step(self.seed, 0, 0, "statistics")
        with EventStorage():
            hook = PreciseBN(1, self.detector, batches, count)
            hook.update_stats()
        norms = [m for m in self.detector.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
        if any(not norm.running_var.any() for norm in norms):
            raise RuntimeError(
                "a batch norm got no precise statistics: it is passed by, not called"
            )
