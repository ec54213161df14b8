"""From a mapping to settings, checked by type."""

from __future__ import annotations

import copy
from dataclasses import fields
from functools import cache
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nassl.settings.errors import SettingsError


def typed(cls: Any, values: dict[str, Any], where: str) -> Any:
    """`values` as an instance of `cls` (or, if `cls` is a registry, of the class of its `kind`).

    Raises SettingsError naming the key, what was given and what is allowed.
    """
    if isinstance(cls, dict):
        kind = values.get("kind") if isinstance(values, dict) else None
        if not isinstance(kind, str) or kind not in cls:
            raise SettingsError(f"{where}.kind is {kind!r}; available: {', '.join(sorted(cls))}")
        cls = cls[kind]
    if not isinstance(values, dict):
        raise SettingsError(f"{where} is {values!r}; a mapping of settings is expected")
    allowed = [field.name for field in fields(cls)]
    if unknown := [key for key in values if key not in allowed]:
        raise SettingsError(
            f"{where} has the unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}"
        )
    # A plan names the same settings many times; to check them takes a hundred copies' time.
    key = (cls, repr(values))
    if key in _CHECKED:
        return copy.deepcopy(_CHECKED[key])
    try:
        settings = OmegaConf.to_object(OmegaConf.merge(_schema(cls), values))
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{where}.{error.full_key or ''}: {reason}") from error
    _CHECKED[key] = copy.deepcopy(settings)
    return settings


_CHECKED: dict[tuple[type, str], Any] = {}


@cache
def _schema(cls: type) -> Any:
    return OmegaConf.structured(cls)
