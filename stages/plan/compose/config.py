"""Hydra's composition of workflow/config with the user's overrides, as a plain dictionary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nassl.settings import SECTIONS, SettingsError
from stages.plan.compose.roots import expand_home, hint, literal_roots

CONFIG = Path(__file__).resolve().parents[3] / "workflow" / "config"


def compose_config(overrides: Sequence[str]) -> dict[str, Any]:
    """Raises SettingsError with Hydra's reason: the key, what was given, what is available."""
    given = literal_roots(overrides)
    with initialize_config_dir(str(CONFIG), version_base="1.3"):
        try:
            given = [*given, *_unlisted(given)]
            config = OmegaConf.to_container(compose("config", given), resolve=True)
        except OverrideParseException as error:
            raise SettingsError(f"{_reason(error)} | {hint(overrides)}") from error
        except (HydraException, OmegaConfBaseException, ValueError) as error:  # scale=0
            raise SettingsError(_reason(error)) from error
    expand_home(config)
    return config


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
        line for line in lines if line and not line.startswith(("full_key", "object_"))
    )
    unknown = re.search(r"Could not override '([\w.-]+)\.[\w-]+'", text)
    if unknown:
        known = OmegaConf.select(compose("config"), unknown[1])
        if OmegaConf.is_dict(known):
            text += f" | allowed: {', '.join(map(str, known))}"
    return text
