"""Names of runs: `<method>-<data>[-<variant>][-s<seed>]`."""

from __future__ import annotations


def named(architecture: str, variant: str | None, seed: int) -> str:
    """`select/ssnas-digits`, `b32`, 0 -> `ssnas-digits-b32-s0`; a search's own seed is left out."""
    stage, method = architecture.split("/")
    if stage == "search":
        method = method.rpartition("-s")[0]
    return "-".join([method, *given(variant), f"s{seed}"])


def given(name: str | None) -> list[str]:
    return [name] if name else []
