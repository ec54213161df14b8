"""Hydra's composition of workflow/config with the user's overrides, as a plain dictionary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nassl.settings import SECTIONS, SettingsError
from stages.plan.compose.boxes import about_a_folder_to_come, settle_boxes
from stages.plan.compose.corrections import HYDRAS, about_key, about_quotes, check_words
from stages.plan.compose.roots import hint, literal_roots, settle_roots

CONFIG = Path(__file__).resolve().parents[3] / "workflow" / "config"


def compose_config(overrides: Sequence[str]) -> dict[str, Any]:
    """Raises SettingsError with Hydra's reason: the key, what was given, what is available."""
    return compose_settled(overrides)[0]


def compose_settled(overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The configuration, and the overrides with those that follow from boxes=...: composed, they
    are the same. Raises SettingsError as `compose_config`."""
    if later := about_a_folder_to_come(overrides):
        settled = compose_settled([one for one in overrides if one not in later])[1]
        return compose_settled([*settled, *later])
    check_words(overrides)
    given = literal_roots(overrides)
    with initialize_config_dir(str(CONFIG), version_base="1.3"):
        try:
            given = [*given, *_unlisted(given)]
            config = OmegaConf.to_container(compose("config", given), resolve=True)
        except OverrideParseException as error:
            better = about_quotes(overrides) or hint(overrides)
            raise SettingsError(f"{_reason(error)} | {better}") from error
        except (HydraException, OmegaConfBaseException, ValueError) as error:  # scale=0
            better = about_key(overrides, str(error), _keys())
            raise SettingsError(" | ".join(filter(None, (_reason(error), better)))) from error
    settle_roots(config)
    if more := settle_boxes(config, overrides):
        return compose_settled([*overrides, *more])
    for paper, tables in list(config.get("stand_ins", {}).items()):
        if isinstance(tables, dict):  # +stand_ins.ssnas.table1=...
            del config["stand_ins"][paper]
            config["stand_ins"] |= {f"{paper}.{name}": data for name, data in tables.items()}
    if isinstance(config.get("only"), str):  # one table needs no brackets
        config["only"] = [config["only"]]
    return config, list(overrides)


def _keys() -> dict[str, list[str]]:
    """The keys of every section's entries, by the key above them; below `stand_ins` what may have
    one: data and tables."""
    config: Any = OmegaConf.to_container(_without_overrides())
    keys: dict[str, list[str]] = {}
    for section, entries in config.items():
        if isinstance(entries, dict):
            keys[section] = list(entries)
            keys |= {f"{section}.{n}": list(e) for n, e in entries.items() if isinstance(e, dict)}
    papers = config.get("papers") or {}
    tables = [f"{paper}.{table}" for paper in papers for table in papers[paper]["tables"]]
    keys["stand_ins"] = [name for name in config["data"] if name != "root"] + tables
    return keys


@cache  # for a refusal: half a second
def _without_overrides() -> DictConfig:
    """All of workflow/config; to be called while Hydra is initialised."""
    return compose("config", _unlisted([]))


def _unlisted(overrides: Sequence[str]) -> list[str]:
    """Overrides that add a group's files that config.yaml does not list, after those that it does,
    unless the user chose the group's files: a new section needs its file and nothing else.

    Only files with one entry of a section, `# @package data.<file>`, as they all begin.
    """
    chosen = {override.partition("=")[0] for override in overrides}
    found = []
    for entry in yaml.safe_load((CONFIG / "config.yaml").read_text())["defaults"]:
        for group, listed in entry.items() if isinstance(entry, dict) else ():
            if isinstance(listed, list) and group not in chosen:
                files = sorted((CONFIG / group).glob("*.yaml"))
                more = [file.stem for file in files if file.stem not in listed and _is_entry(file)]
                found += [f"{group}=[{','.join([*listed, *more])}]"] if more else []
    return found


def _is_entry(file: Path) -> bool:
    """Whether a file is one named entry of a section, and not a choice that only a user makes."""
    with file.open(encoding="utf-8") as lines:
        package = re.fullmatch(r"# @package (\w+)\.(.+)\n", lines.readline())
    return package is not None and package[1] in SECTIONS and package[2] == file.stem


def _reason(error: BaseException | None) -> str:
    """The chain of causes in one line; for an unknown key, the available ones are added."""
    lines: dict[str, None] = {}
    while error is not None:
        lines.update(dict.fromkeys(line.strip() for line in str(error).splitlines()))
        error = error.__cause__
    text = " | ".join(
        line for line in lines if line and not line.startswith(("full_key", "object_", *HYDRAS))
    )
    unknown = re.search(r"Could not override '([\w.-]+)\.[\w-]+'", text)
    if unknown:
        known = OmegaConf.select(_without_overrides(), unknown[1])
        if OmegaConf.is_dict(known):
            text += f" | allowed: {', '.join(map(str, known))}"
    return text
