"""Names in a plan become parts of paths and of commands: only harmless ones are let in.

`dvc.yaml` puts the name of a run and the strings of its line into the command of its stage, which
DVC hands to a shell.
"""

from __future__ import annotations

import re
from typing import Any

from stages.core.lines import RUNS
from stages.core.settings import SettingsError

RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
VALUE = re.compile(rf"{RUN.pattern}(/{RUN.pattern})*")  # a folder or file under results/


def check_names(params: dict[str, Any]) -> None:
    """Raises SettingsError for the first name of a run, or string of its line, that a shell or a
    path could take for something else."""
    for stage in RUNS:
        for name, line in params[stage].items():
            if not isinstance(name, str) or not RUN.fullmatch(name):
                raise SettingsError(f"{stage} has a run called {name!r}; {_allowed('not first')}")
            for key, value in line.items():
                for text in value if isinstance(value, list) else [value]:
                    if isinstance(text, str) and text and not VALUE.fullmatch(text):
                        raise SettingsError(
                            f"{stage}.{name}.{key} is {text!r}; {_allowed('not first of a part')}, "
                            "and / between parts"
                        )


def _allowed(place: str) -> str:
    return f"allowed: letters, digits and, {place}, . _ -"
