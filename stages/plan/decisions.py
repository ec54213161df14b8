"""What the papers do not say: settings of a plan whose comments in workflow/config/ begin with
`assumed:` or `decided:`, with their reasons, so that the report can list them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

MARK = re.compile(r"\b(assumed|decided):?\s")
KEY = re.compile(r"^( *)([\w-]+):")
ROW = re.compile(r"^ *- \{row: ([^,}]+)")
PARENT = re.compile(r"^defaults: \[([\w-]+)@_here_")
GROUPS = {"protocol": "probe"}  # sections whose folder is called otherwise


def decisions(params: dict[str, Any], papers: list[str], config: Path) -> list[dict[str, Any]]:
    """One entry per marked value of the sections and papers in a plan: setting (`recipe.epochs of
    pretrain-b32, pretrain-b64`), value, why.

    A value that an override has changed is not the marked one, and is left out. `config` is
    workflow/config.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for section, entries in params.items():
        folder = config / GROUPS.get(section, section)
        if not folder.is_dir() or not isinstance(entries, dict):
            continue
        for name, values in entries.items():
            for key, written, why in _inherited(folder, name):
                value = _at(values, key)
                if key and (value is None or value != _resolved(written, value)):
                    continue
                # The same key with the same reason is one decision, whoever inherits it.
                setting = ".".join(filter(None, [section, key]))
                if entry := found.get((setting, why)):
                    entry["setting"] += f", {name}"
                else:
                    shown = str(value) if key else ""
                    found[setting, why] = {
                        "setting": f"{setting} of {name}", "value": shown, "why": why,
                    }  # fmt: skip
    for paper in papers:
        for key, _, why in marked(config / "paper" / f"{paper}.yaml"):
            found[f"{paper} {key}", why] = {"setting": f"{paper}: {key}", "value": "", "why": why}
    return list(found.values())


def marked(file: Path) -> list[tuple[str, Any, str]]:
    """(key with dots, written value, reason) of every marked line of a file. A comment above a key
    belongs to it; one that follows the last key to the whole file, with the key ''."""
    entries: list[tuple[str, Any, str]] = []
    path: list[tuple[int, str]] = []  # indentation and name of the keys around a line
    above: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        code, comment = _split(line)
        if not code.strip():
            above = [*above, comment] if comment else []
            continue
        key = _key(code, path)
        text = " ".join([*above, comment] if MARK.search(" ".join(above)) else [comment]).strip()
        if key is not None and MARK.search(text):
            entries.append((key, _value(code), text))
        above = []
    if MARK.search(text := " ".join(above)):
        entries.append(("", None, text))
    return entries


def _key(code: str, path: list[tuple[int, str]]) -> str | None:
    if row := ROW.match(code):
        return f"{path[0][1] if path else ''}.{row[1]}" if path else row[1]
    if not (found := KEY.match(code)):
        return None
    indentation = len(found[1])
    while path and path[-1][0] >= indentation:
        path.pop()
    path.append((indentation, found[2]))
    return ".".join(name for _, name in path)


def _split(line: str) -> tuple[str, str]:
    """Code and comment of a line; values of these files hold no `#`."""
    code, _, comment = line.partition("#")
    return code, "" if comment.startswith(" @package") else comment.strip()


def _value(code: str) -> Any:
    return None if ROW.match(code) else yaml.safe_load(code.partition(":")[2].strip() or "null")


def _inherited(folder: Path, name: str) -> list[tuple[str, Any, str]]:
    """The marked keys of an entry and of what it inherits; its own lines go before."""
    file = folder / f"{name}.yaml"
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    own = marked(file)
    parent = next((found[1] for line in lines if (found := PARENT.match(line))), None)
    if parent is None:
        return own
    path: list[tuple[int, str]] = []
    set_here = {_key(_split(line)[0], path) for line in lines if _split(line)[0].strip()}
    return own + [entry for entry in _inherited(folder, parent) if entry[0] not in set_here]


def _at(values: Any, key: str) -> Any:
    for name in filter(None, key.split(".")):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _resolved(written: Any, value: Any) -> Any:
    """What a written value stands for: `${...}` is taken from elsewhere, and 3.0e-4 is text to
    YAML 1.1 unless it has a dot and a sign."""
    if isinstance(written, str) and written.startswith("${"):
        return value
    if isinstance(written, str) and isinstance(value, int | float):
        return type(value)(float(written))
    return written
