"""How often Snakemake looks for jobs to start."""

from __future__ import annotations

from typing import Any

DEFAULT_RATE = (100, 1.0)  # jobs, seconds: of --max-jobs-per-timespan (Snakemake 9.27)


def leave_out_default_rate(scheduler: Any) -> None:
    """Removes the limit of jobs per second from Snakemake's JobScheduler, unless another than the
    default was asked for.

    With a limit, every job that ends leaves a timer that looks for work again once per timespan
    until the end: 165 jobs took five minutes of CPU (measured). Exit waits for the timers, too.
    """
    limiter = scheduler.job_rate_limiter
    if limiter is not None and (limiter.max_jobs, limiter.timespan) == DEFAULT_RATE:
        scheduler.job_rate_limiter = None
