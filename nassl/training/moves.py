"""A training that continues on another machine."""

from __future__ import annotations


def differences(before: dict[str, str], now: dict[str, str]) -> str:
    """`device cpu (AVX2), now NVIDIA H100; torch 2.13.0, now 2.14.1`; empty if there is none."""
    return "; ".join(
        f"{name} {before.get(name, 'none')}, now {now.get(name, 'none')}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    )
