"""One run of one stage: its line in params.yaml and the sections that the line refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from stages.core.settings import REFERENCES, RUNS, SECTIONS, Resources, SettingsError, typed

PLAN = Path("params.yaml")


@dataclass(frozen=True)
class Run:
    """`line.seed` and the like come from the run's own line, `settings["recipe"]` and the like from
    the sections. `keys` lists what was read of the plan: the very keys that dvc.yaml tracks."""

    stage: str
    name: str
    line: Any
    settings: dict[str, Any] = field(default_factory=dict)
    resources: Resources | None = None
    keys: tuple[str, ...] = ()


def read_run(stage: str, name: str, plan: Path = PLAN) -> Run:
    """The run `name` of `stage`. Raises SettingsError if the plan lacks it or does not fit."""
    if not plan.exists():
        raise SettingsError(f"{plan} is missing; write it with `python -m stages.plan`")
    tree = OmegaConf.to_container(OmegaConf.load(plan))
    lines = tree.get(stage) or {}
    if name not in lines:
        raise SettingsError(f"{plan} has no {stage} run {name!r}; there are: {', '.join(lines)}")
    line = typed(RUNS[stage], lines[name], f"{stage}.{name}")
    settings, keys = {}, [f"{stage}.{name}", f"resources.{stage}"]
    for field_name, section in REFERENCES[stage].items():
        entry = getattr(line, field_name)
        if entry not in (tree.get(section) or {}):
            raise SettingsError(
                f"{stage}.{name}.{field_name} is {entry!r}; "
                f"{section} has: {', '.join(tree.get(section) or {})}"
            )
        settings[field_name] = typed(SECTIONS[section], tree[section][entry], f"{section}.{entry}")
        keys.append(f"{section}.{entry}")
    resources = typed(Resources, tree["resources"][stage], f"resources.{stage}")
    return Run(stage, name, line, settings, resources, tuple(dict.fromkeys(keys)))
