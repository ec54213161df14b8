"""One run of one stage: its line in params.yaml and the sections that the line refers to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

from nassl.settings import SECTIONS, SettingsError
from nassl.settings.typed import typed
from stages.runs.lines import REFERENCES, RUNS, Resources

PLAN = Path("params.yaml")


class PlanLoader(yaml.CSafeLoader, get_yaml_loader()):
    """OmegaConf's YAML (`1e-3` is a number, a key said twice an error) read by libyaml: every job
    reads the whole plan, and hundreds of runs take pure Python a second."""


@dataclass(frozen=True)
class Run:
    """`line.seed` and the like come from the run's own line, `settings["recipe"]` and the like from
    the sections. `keys` lists what was read of the plan: exactly the keys that dvc.yaml tracks."""

    stage: str
    name: str
    line: Any
    settings: dict[str, Any]
    resources: Resources
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        settings = {field: asdict(values) for field, values in self.settings.items()}
        return {f"{self.stage}/{self.name}": asdict(self.line) | settings}

    @property
    def sha256(self) -> str:
        """Hash (hexadecimal) of the run's line and sections; of no path, thread count or code."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def read_run(stage: str, name: str, plan: Path = PLAN) -> Run:
    """The run `name` of `stage`. Raises SettingsError if the plan lacks it or does not fit."""
    if not plan.exists():
        raise SettingsError(f"{plan} is missing; write it with `python -m stages.plan`")
    return resolve_run(stage, name, read_plan(plan), str(plan))


def read_plan(plan: Path) -> dict[str, Any]:
    """The content of a plan. Raises SettingsError if it is not a mapping in YAML."""
    try:
        with open(plan, encoding="utf-8") as text:
            tree = PlanLoader(text).get_single_data()
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(
            f"{plan} cannot be read: {reason}; write it again with `python -m stages.plan`"
        ) from error
    if not isinstance(tree, dict):
        raise SettingsError(f"{plan} is not a mapping; write it again with `python -m stages.plan`")
    return tree


def _mapping(tree: dict[str, Any], key: str, source: str) -> dict[str, Any]:
    entries = tree.get(key) or {}
    if not isinstance(entries, dict):
        raise SettingsError(f"{source}: {key} is {entries!r}; a mapping from names is expected")
    return entries


def resolve_run(
    stage: str, name: str, tree: dict[str, Any], source: str, typed_sections: dict | None = None
) -> Run:
    """`read_run` on the content of a plan; `source` names it in errors.

    Pass one `typed_sections` for many runs of a plan, and each entry is typed once.
    """
    typed_sections = {} if typed_sections is None else typed_sections
    if stage not in RUNS:
        raise SettingsError(f"there is no stage {stage!r} with runs; available: {', '.join(RUNS)}")
    lines = _mapping(tree, stage, source)
    if name not in lines:
        raise SettingsError(f"{source} has no {stage} run {name!r}; available: {_listed(lines)}")
    line = typed(RUNS[stage], lines[name], f"{stage}.{name}")
    settings, keys = {}, [f"{stage}.{name}", f"resources.{stage}.threads"]
    for field, section in REFERENCES[stage].items():
        entry, there = getattr(line, field), _mapping(tree, section, source)
        if entry not in there:
            raise SettingsError(
                f"{stage}.{name}.{field} is {entry!r}; {section} has: {_listed(there)}"
            )
        keys.append(key := f"{section}.{entry}")
        if key not in typed_sections:
            typed_sections[key] = typed(SECTIONS[section], there[entry], key)
        settings[field] = typed_sections[key]
    asked = _mapping(tree, "resources", source)
    if stage not in asked:
        raise SettingsError(f"{source} has no resources.{stage}; it has: {_listed(asked)}")
    resources = typed(Resources, asked[stage], f"resources.{stage}")
    return Run(stage, name, line, settings, resources, tuple(dict.fromkeys(keys)))


def _listed(names: Any) -> str:
    return ", ".join(map(str, names))
