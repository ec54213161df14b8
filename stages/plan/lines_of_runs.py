"""Names and lines of the runs that train an architecture."""

from __future__ import annotations

from typing import Any


def training(data: str, architecture: str, row: dict, seed: int) -> dict[str, Any]:
    chosen = {key: row[key] for key in ("network", "objective", "recipe")}
    return {"data": data, "architecture": architecture, **chosen, "seed": seed}


def named(architecture: str, variant: str | None, seed: int) -> str:
    """`select/ssnas-digits`, `b32`, 0 -> `ssnas-digits-b32-s0`; a search's own seed is left out."""
    stage, method = architecture.split("/")
    if stage == "search":
        method = method.rpartition("-s")[0]
    return "-".join([method, *given(variant), f"s{seed}"])


def given(name: str | None) -> list[str]:
    return [name] if name else []
