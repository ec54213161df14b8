"""Composes workflow/config into params.yaml: named sections, and one short line per run.

  python -m stages.plan                               the toy plan of all papers that have rows
  python -m stages.plan scale=paper paper=[ssnas]     another scale, chosen papers
  python -m stages.plan recipe.search.epochs=10       any override, in Hydra's syntax
  python -m stages.plan --show search/ssnas-digits-s0 resolved settings of one run; writes nothing
  python -m stages.plan scale=paper --estimate        runs, hours, disk; writes nothing
  python -m stages.plan scale=toy --check results     the estimate against finished runs
  python -m stages.plan paper=own data=folder data.root=/path/to/images    your own images
  ... boxes=voc boxes.root=/path/to/VOCdevkit         and your own boxes (or boxes=coco)
  ... scale=lab budget=2h             the same, with sizes that take two hours on this machine

An unknown key, a wrong type or an impossible combination is refused here, before any job starts.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nassl.settings import DATASETS, SettingsError
from nassl.settings.typed import typed
from stages.plan.checks.plan import check_plan
from stages.plan.compose.boxes import refuse_unused_boxes
from stages.plan.compose.config import CONFIG, compose_settled
from stages.plan.compose.corrections import (
    option_as_override,
    refuse_unused_data,
    refuse_unused_seeds,
)
from stages.plan.datasets import described
from stages.plan.decisions import decisions
from stages.plan.expand import Expansion
from stages.plan.local_copies import with_local_copies
from stages.plan.sizes.propose import proposed
from stages.plan.written import as_text, write
from stages.runs.command import refusals
from stages.runs.lines import RUNS
from stages.runs.run import PLAN, resolve_run

GPU = "A100"  # that estimates also name, unless another is asked for


@dataclass(frozen=True)
class Planned:
    """`params`: the checked content of params.yaml; `overrides` make the same again, on any
    machine; `lines`: what a person is told of the sizes."""

    params: dict[str, Any]
    overrides: list[str]
    lines: list[str]


def plan(overrides: list[str]) -> dict[str, Any]:
    """The checked content of params.yaml. Raises SettingsError."""
    return planned(overrides).params


def planned(overrides: list[str], gpu: str = GPU) -> Planned:
    """With a budget this machine is measured, and `gpu` compared with it. Raises SettingsError."""
    config, params, settled = _expanded(overrides)
    found = proposed(params, config, overrides, lambda params: _machines(params, gpu))
    again = list(overrides)
    if found.overrides:
        _, params, _ = _expanded([*settled, *found.overrides])
    if config["budget"] != "":
        again = [word for word in settled if word.partition("=")[0].lstrip("+") != "budget"]
        again += found.overrides
    check_plan(params)
    if params["report"]["scale"] == "paper":  # another scale has values of its own everywhere
        papers = sorted({table.partition(".")[0] for table in params["report"]["tables"]})
        params["report"]["decisions"] = decisions(params, papers, CONFIG)
    return Planned(params, again, found.lines)


def _expanded(overrides: list[str]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The composed configuration, the plan that follows from it, and the overrides in full."""
    config, settled = compose_settled(overrides)
    expansion = Expansion(config)
    params = expansion.params()
    refuse_unused_boxes(config, params["report"])
    params["data"] = with_local_copies(params["data"], overrides)
    refuse_unused_data(overrides, config["data"], params["data"], config["stand_ins"])
    papers = {table.partition(".")[0] for table in expansion.tables}
    refuse_unused_seeds(overrides, papers, config["seeds"])
    return config, params, settled


def _machines(params: dict[str, Any], gpu: str) -> list[Any]:
    from stages.plan.estimate.machine import one_gpu, this_machine  # imports torch

    return [this_machine(params, gpu), one_gpu(gpu)]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.plan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", help="scale=..., paper=[...], key=value")
    parser.add_argument("--show", metavar="STAGE/RUN", help="print one run's resolved settings")
    parser.add_argument("--estimate", action="store_true", help="print runs, hours and disk")
    parser.add_argument(
        "--check", type=Path, metavar="RESULTS", help="estimated against measured, per stage"
    )
    parser.add_argument("--gpu", default=GPU, help="the GPU that estimates also name")
    parser.add_argument("--out", type=Path, default=PLAN, help="file to write")
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments, unknown = parser.parse_known_intermixed_args(argv)
    with refusals("plan"):
        if unknown:
            options = [word for action in parser._actions for word in action.option_strings]
            raise SettingsError(option_as_override(argv, unknown, options[2:]))
        made = planned(arguments.overrides, arguments.gpu)
        params = made.params
        if arguments.show:
            stage, _, name = arguments.show.partition("/")
            run = resolve_run(stage, name, params, "the plan")
            print(yaml.safe_dump(run.as_dict(), sort_keys=False), end="")
        elif arguments.estimate:
            from stages.plan.estimate.table import estimate  # imports torch

            print("\n".join([estimate(params, arguments.gpu), *made.lines]))
        elif arguments.check:
            from stages.plan.estimate.table import check

            print(check(params, arguments.check))
        else:
            write(arguments.out, as_text(params, made.overrides))
            counts = ", ".join(f"{len(params[stage])} {stage}" for stage in RUNS)
            print(f"{arguments.out}: scale {params['report']['scale']}; {counts}")
            for name, entry in params["data"].items():
                for line in described(name, typed(DATASETS, entry, f"data.{name}")):
                    print(line.encode("utf-8", "backslashreplace").decode())
            print("".join(f"{line}\n" for line in made.lines), end="")


if __name__ == "__main__":
    main()
