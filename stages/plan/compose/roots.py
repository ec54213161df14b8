"""Paths on the command line: `data.root=/my images (1)` is taken literally.

Hydra's grammar gives a meaning to ( ) [ ] { } , = : # ~ and quotes, and knows no letters beyond
ASCII; a path may contain all of them.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

from nassl.settings import SettingsError

ROOT = re.compile(r"(?P<key>\+{0,2}([\w.-]+\.)?root)=(?P<value>.*)", re.DOTALL)
SHOWN = 5  # places that a message lists
HINT = (
    "If a path has spaces, ( ) [ ] {{ }} , = : # ~, quotes or letters beyond ASCII, put it into "
    "quotes of its own inside the shell's, as in {example}"
)


def literal_roots(overrides: Sequence[str]) -> list[str]:
    """The overrides for Hydra, with every unquoted value of a `root` as a quoted string.

    Raises SettingsError for characters that no plan can hold.
    """
    for override in overrides:
        try:
            override.encode()
        except UnicodeEncodeError as error:
            raise SettingsError(
                f"{override!r} is not UTF-8, which a plan is written in; rename the folder, or make"
                " a link to it with a name in UTF-8"
            ) from error
        if "\n" in override or "\r" in override or "\0" in override:
            raise SettingsError(
                f"{override!r} has a line break; rename the folder, or make a link to it"
            )
    return [_literal(override) for override in overrides]


def _literal(override: str) -> str:
    found = ROOT.fullmatch(override)
    if not found or not found["value"] or _is_quoted(found["value"]) or "${" in found["value"]:
        return override
    return f"{found['key']}={quoted(found['value'])}"


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def quoted(value: str) -> str:
    """A string as Hydra's grammar writes it: backslashes count only before a quote."""
    escaped = re.sub(r'(\\*)"', r"\1\1\\" + '"', value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f'"{escaped}' + "\\" * trailing + '"'


def hint(overrides: Sequence[str]) -> str:
    """How to quote, with the first override that seems to need it."""
    for override in overrides:
        key, equals, value = override.partition("=")
        if equals and re.search(r"[^\w./+-]", value) and not re.match(r"[\[{'\"]", value):
            return HINT.format(example=shlex.quote(f"{key}={quoted(value)}"))
    example = shlex.quote('+data.own={kind: voc, root: "/my images (1)"}')
    return HINT.format(example=example)


def settle_roots(config: dict[str, Any]) -> None:
    """Every root's `~` becomes the home folder, as a shell would have done without the quotes, and
    one with `*` or `?` the place that it stands for.

    Raises SettingsError if that is none or several.
    """
    for name, entry in config["data"].items() if isinstance(config.get("data"), dict) else ():
        root = entry.get("root") if isinstance(entry, dict) else None
        if not isinstance(root, str) or os.path.exists(root):
            continue
        if root.startswith("~"):
            entry["root"] = root = os.path.expanduser(root)
        if set("*?") & set(root) and not os.path.exists(root):
            entry["root"] = _only_match(f"data.{name}.root", root)


def _only_match(key: str, root: str) -> str:
    there = sorted(glob.glob(root))
    if len(there) == 1:
        return there[0]
    if not there:
        raise SettingsError(
            f"{key} is {root!r}, and nothing has such a name; give a folder or an archive"
        )
    listed = ", ".join(there[:SHOWN]) + (", ..." if len(there) > SHOWN else "")
    above = os.path.commonpath([os.path.dirname(path) for path in there])
    raise SettingsError(
        f"{key} is {root!r}, which is {len(there)} places: {listed}; give one of them, or the "
        f"folder that holds them: {shlex.quote(f'{key}={above}')}"
    )
