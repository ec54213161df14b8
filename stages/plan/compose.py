"""Hydra's composition of workflow/config with the user's overrides, as a plain dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stages.core.settings import SettingsError

CONFIG = Path(__file__).resolve().parents[2] / "workflow" / "config"


def compose_config(overrides: Sequence[str]) -> dict[str, Any]:
    """Raises SettingsError with Hydra's reason: the key, what was given, what is there."""
    try:
        with initialize_config_dir(str(CONFIG), version_base="1.3"):
            return OmegaConf.to_container(
                compose("config", overrides=list(overrides)), resolve=True
            )
    except (HydraException, OmegaConfBaseException) as error:
        causes = [str(error)]
        while error.__cause__ is not None:
            error = error.__cause__
            causes.append(str(error))
        lines = [line for text in causes for line in text.splitlines() if line.strip()]
        raise SettingsError(" | ".join(dict.fromkeys(line.strip() for line in lines))) from error
