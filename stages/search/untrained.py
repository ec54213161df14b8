"""Strategies that train nothing and read no data."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from nassl.training.checkpoint import Checkpoints
from stages.runs.run import Run
from stages.search.found import Found


def random_search(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """A uniformly drawn genotype: the random baseline of both papers' tables."""
    return Found(run.settings["space"].drawn(run.line.seed))


def manual(run: Run, inputs: Namespace, out: Path, checkpoints: Checkpoints) -> Found:
    """The published network that the space names."""
    return Found(run.settings["space"].typical())
