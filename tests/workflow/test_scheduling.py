"""Snakemake starts jobs when others end, not by a clock."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.cli import get_argument_parser
from snakemake.scheduling.job_scheduler import JobRateLimiter

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow"))
from scheduling import leave_out_default_rate


@pytest.mark.parametrize(("asked", "kept"), [([], False), (["5/2s"], True), (["100/2s"], True)])
def test_only_a_rate_that_was_asked_for_is_kept(asked, kept):
    words = ["--max-jobs-per-timespan", *asked] if asked else []
    settings = get_argument_parser().parse_args(words)
    scheduler = SimpleNamespace(job_rate_limiter=JobRateLimiter(settings.max_jobs_per_timespan))
    leave_out_default_rate(scheduler)
    assert (scheduler.job_rate_limiter is not None) == kept
    leave_out_default_rate(scheduler)  # of a scheduler that has none, too
