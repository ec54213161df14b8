"""Names in a plan become parts of paths and of commands, and refer from run to run.

`dvc.yaml` puts the name of a run and the strings of its line into the command of its stage, which
DVC hands to a shell: only harmless ones are accepted.
"""

from __future__ import annotations

import re
from typing import Any

from nassl.settings import SettingsError
from stages.runs.lines import RUNS, references
from stages.runs.run import Run

RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
VALUE = re.compile(rf"{RUN.pattern}(/{RUN.pattern})*")  # a folder or file under results/


def check_names(params: dict[str, Any]) -> None:
    """Raises SettingsError for the first name of a run, or string of its line, that a shell or a
    path could take for something else."""
    for stage in RUNS:
        if not isinstance(params.get(stage), dict):
            raise SettingsError(
                f"{stage} is {params.get(stage)!r}; a mapping from names of runs to their lines "
                "is expected"
            )
        for name, line in params[stage].items():
            if not isinstance(name, str) or not RUN.fullmatch(name):
                raise SettingsError(f"{stage} has a run called {name!r}; {_allowed('not first')}")
            for key, value in line.items() if isinstance(line, dict) else ():
                for text in value if isinstance(value, list) else [value]:
                    if isinstance(text, str) and text and not VALUE.fullmatch(text):
                        raise SettingsError(
                            f"{stage}.{name}.{key} is {text!r}; {_allowed('not first of a part')}, "
                            "and / between parts"
                        )


def check_references(place: str, run: Run, runs: dict[str, Run]) -> None:
    """Raises SettingsError if a run's line names a run that the plan lacks, or one of a stage that
    the field cannot name."""
    for named in references(run.stage, vars(run.line)):
        if named.run.partition("/")[0] not in named.stages:
            raise SettingsError(
                f"{place}.{named.field} is {named.value!r}; allowed: "
                f"{' and '.join(f'{stage}/<run>' for stage in named.stages)} of the plan"
            )
        if named.run not in runs:
            there = [known for known in runs if known.partition("/")[0] in named.stages]
            raise SettingsError(
                f"{place}.{named.field} is {named.value!r}, but the plan has no {named.run}; it "
                f"has: {', '.join(there) or 'none of that stage'}"
            )


def _allowed(place: str) -> str:
    return f"allowed: letters, digits and, {place}, . _ -"
