"""Composes workflow/config into params.yaml: named sections, and one short line per run.

  python -m stages.plan                               the toy plan of all papers that have rows
  python -m stages.plan scale=paper paper=[ssnas]     another scale, chosen papers
  python -m stages.plan recipe.search.epochs=10       any override, in Hydra's syntax
  python -m stages.plan --show search/ssnas-digits-s0 resolved settings of one run; writes nothing
  python -m stages.plan scale=paper --estimate        runs, hours, disk; writes nothing
  python -m stages.plan scale=toy --check results     the estimate against finished runs
  python -m stages.plan paper=own data=folder data.root=/path/to/images    one's own images

An unknown key, a wrong type or an impossible combination is refused here, before any job starts.
"""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import yaml

from stages.core.command import refusals
from stages.core.lines import RUNS
from stages.core.run import PLAN, resolve_run, typed
from stages.core.settings import Data
from stages.plan.checks import check_plan
from stages.plan.compose import compose_config
from stages.plan.datasets import described
from stages.plan.expand import Expansion

HEADER = """\
# The current plan, written by `python -m stages.plan {overrides}`
# from workflow/config/, where the source of every value stands. Values of the sections may be
# edited or overridden (`dvc exp run -S recipe.search.epochs=5`); runs refer to them by name.
"""


def plan(overrides: list[str]) -> dict:
    """The checked content of params.yaml. Raises SettingsError."""
    params = Expansion(compose_config(overrides)).params()
    check_plan(params)
    return params


class _Dumper(yaml.SafeDumper):
    """Quotes every string that one of the plan's readers could take for a number: a folder `1e3` is
    one to OmegaConf and DVC, and none to PyYAML."""


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    number = re.fullmatch(r"[-+.\d][-+.\d_eE:xo]*", value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if number else None)


_Dumper.add_representer(str, _text)


def _dump(value: object, **options: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, **options)


def as_text(params: dict, overrides: list[str]) -> str:
    """Sections in YAML's block style, runs and report rows on one line each."""

    def flow(value: object) -> str:
        return _dump(value, default_flow_style=True, width=10**6).strip()

    parts = [HEADER.format(overrides=shlex.join(overrides)).replace(" `\n", "`\n")]
    for section, entries in params.items():
        parts.append(f"\n{section}:" + ("" if entries else " {}"))
        if section in RUNS or section == "resources":
            parts += [f"  {name}: {flow(line)}" for name, line in entries.items()]
        elif section == "report":
            tables = entries["tables"]
            parts.append(f"  scale: {entries['scale']}\n  tables:" + ("" if tables else " {}"))
            for table, rows in tables.items():
                parts += [f"    {table}:", *(f"    - {flow(row)}" for row in rows)]
            if "own" in entries:
                parts += ["  own:", *(f"  - {flow(row)}" for row in entries["own"])]
        elif entries:
            text = _dump(entries, default_flow_style=None)
            parts.append("".join(f"  {line}\n" for line in text.splitlines()).rstrip())
    return "\n".join(parts) + "\n"


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
    parser.add_argument("--gpu", default="A100", help="the GPU that --estimate also names")
    parser.add_argument("--out", type=Path, default=PLAN, help="file to write")
    arguments = parser.parse_args(argv)
    with refusals("plan"):
        params = plan(arguments.overrides)
        if arguments.show:
            stage, _, name = arguments.show.partition("/")
            run = resolve_run(stage, name, params, "the plan")
            print(yaml.safe_dump(run.as_dict(), sort_keys=False), end="")
        elif arguments.estimate:
            from stages.plan.estimate import estimate  # imports torch

            print(estimate(params, arguments.gpu))
        elif arguments.check:
            from stages.plan.estimate import check

            print(check(params, arguments.check))
        else:
            arguments.out.write_text(as_text(params, arguments.overrides))
            for stage in RUNS:  # the report depends on the folder of every stage, of idle ones too
                (arguments.out.parent / "results" / stage).mkdir(parents=True, exist_ok=True)
            counts = ", ".join(f"{len(params[stage])} {stage}" for stage in RUNS)
            print(f"{arguments.out}: scale {params['report']['scale']}; {counts}")
            for name, entry in params["data"].items():
                for line in described(name, typed(Data, entry, f"data.{name}")):
                    print(line.encode("utf-8", "backslashreplace").decode())


if __name__ == "__main__":
    main()
