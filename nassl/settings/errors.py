"""The error for settings."""

from __future__ import annotations


class SettingsError(ValueError):
    """A plan that cannot be carried out: names the key, what was given and what is allowed."""
