"""Hydra's composition of workflow/config with the user's overrides, as a plain dictionary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nassl.settings import SettingsError
from stages.plan.roots import expand_home, hint, literal_roots

CONFIG = Path(__file__).resolve().parents[2] / "workflow" / "config"


def compose_config(overrides: Sequence[str]) -> dict[str, Any]:
    """Raises SettingsError with Hydra's reason: the key, what was given, what is available."""
    given = literal_roots(overrides)
    with initialize_config_dir(str(CONFIG), version_base="1.3"):
        try:
            config = OmegaConf.to_container(compose("config", given), resolve=True)
        except OverrideParseException as error:
            raise SettingsError(f"{_reason(error)} | {hint(overrides)}") from error
        except (HydraException, OmegaConfBaseException, ValueError) as error:  # scale=0
            raise SettingsError(_reason(error)) from error
    expand_home(config)
    return config


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
