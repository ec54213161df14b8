"""Checks of JSON values: what is allowed, in words and as a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nassl.files import InputError

SHOWN = 60  # characters of a value that a message shows


@dataclass(frozen=True)
class Check:
    """`allowed` says in words what `fits` accepts."""

    allowed: str
    fits: Callable[[Any], bool]


def check_keys(content: Any, schema: dict[str, Any], where: str, prefix: str = "") -> None:
    """Compares `content` with `schema`: a Check, or a schema of its own, for every key.

    Raises InputError naming the file `where`, the key, what was found, what is allowed, and what to
    do.
    """
    again = "run the stage that wrote it again, or get the folder again"
    if not isinstance(content, dict):
        named = f"{where}: {prefix[:-1]}" if prefix else where
        raise InputError(
            f"{named} is {_shown(content)}; allowed: a mapping with the keys "
            f"{', '.join(schema)}; {again}"
        )
    if unknown := sorted(set(content) - set(schema)):
        raise InputError(
            f"{where} has the unknown key {prefix + unknown[0]!r}; allowed: "
            f"{', '.join(prefix + key for key in schema)}; {again}"
        )
    for key, expected in schema.items():
        if key not in content:
            raise InputError(
                f"{where} has no key {prefix + key!r}; it has: "
                f"{', '.join(sorted(prefix + key for key in content)) or 'none'}; {again}"
            )
        if isinstance(expected, dict):
            check_keys(content[key], expected, where, f"{prefix}{key}.")
        elif not expected.fits(content[key]):
            raise InputError(
                f"{where}: {prefix}{key} is {_shown(content[key])}; allowed: {expected.allowed}; "
                f"{again}"
            )


def exactly(value: Any) -> Check:
    """This value, of this type."""
    return Check(repr(value), lambda found: type(found) is type(value) and found == value)


def one_of(*names: str) -> Check:
    """One of these strings."""
    return Check(", ".join(names), lambda found: isinstance(found, str) and found in names)


def whole(least: int) -> Check:
    """An int, not a bool."""
    return Check(f"a whole number of at least {least}", lambda found: _is_whole(found, least))


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _three(value: Any, fits: Callable[[float], bool]) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        and all(map(fits, value))
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


text = Check("a text that is not empty", _is_text)
digest = Check(
    "a sha256 of 64 hexadecimal digits",
    lambda found: (
        isinstance(found, str) and len(found) == 64 and set(found) <= {*"0123456789abcdef"}
    ),
)
means = Check("three numbers from 0 to 1", lambda found: _three(found, lambda v: 0 <= v <= 1))
deviations = Check(
    "three numbers above 0 and at most 1", lambda found: _three(found, lambda v: 0 < v <= 1)
)
counts = Check(
    "a whole number of images for each part",
    lambda found: (
        isinstance(found, dict)
        and bool(found)
        and all(_is_text(key) and _is_whole(value, 0) for key, value in found.items())
    ),
)
class_names = Check(
    "null, or a list of at least two names",
    lambda found: (
        found is None or (isinstance(found, list) and len(found) > 1 and all(map(_is_text, found)))
    ),
)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
