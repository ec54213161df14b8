"""How long the rest of a plan will take: its estimate, scaled by what runs have really taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from stages.plan.estimate.schedule import makespan, upstream_of
from stages.plan.lineage import runs_of

# Seconds of a job outside of its training: what `--estimate` adds, whose module imports torch.
START = 5.5


def run_seconds(params: dict[str, Any]) -> dict[str, float]:
    """Seconds of every run on this machine's CPU, by name, `<stage>/<run>`; 0 where nothing is
    trained, but for `prepare`, which may decode. Only the ratios of the others count in
    `seconds_left`. Imports torch.

    Raises SettingsError for an uncounted data set.
    """
    from stages.plan.estimate.machine import threads_of
    from stages.plan.estimate.rates import measured_rates
    from stages.plan.estimate.run import run_work

    here = measured_rates(threads_of(params))
    return {
        f"{run.stage}/{run.name}": here.seconds(run_work(run, params)) for run in runs_of(params)
    }


def seconds_left(
    params: dict[str, Any],
    estimated: Mapping[str, float],
    taken: Mapping[str, float],
    done: Collection[str],
    parts: Mapping[str, float],
    at_once: int,
) -> float | None:
    """Seconds until the last run of the plan has ended, if `at_once` runs work at the same time.

    `estimated` seconds of every run; `taken` are those that runs really took, or will have taken
    at their pace. The estimate of a run is scaled by what runs of its stage took, or, before there
    is one, by what all took; that of `prepare`, which decodes on the CPU, is taken as it is.
    `parts`: the share, 0 to 1, that is behind a run which is not done.

    None if something is left to train and nothing was taken yet: the device may be any.
    """
    left = [name for name in estimated if name not in done]
    hours = {}
    for name in left:
        factor = 0.0
        if estimated[name]:
            factor = _factor(name.partition("/")[0], estimated, taken)
            if factor is None:
                return None
        rest = 1 - parts.get(name, 0.0)
        hours[name] = (estimated[name] * factor * rest + START) / 3600
    needed = upstream_of(params)
    edges = {name: [run for run in needed[name] if run in hours] for name in left}
    return makespan(hours, edges, max(1, at_once)) * 3600 + START  # the report comes last


def _factor(stage: str, estimated: Mapping[str, float], taken: Mapping[str, float]) -> float | None:
    if stage == "prepare":
        return 1.0
    known = [name for name in taken if estimated.get(name) and not name.startswith("prepare/")]
    ours = [name for name in known if name.startswith(f"{stage}/")] or known
    if not ours:
        return None
    return sum(taken[name] for name in ours) / sum(estimated[name] for name in ours)
