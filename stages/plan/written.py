"""params.yaml as text: written so that all programs read the same values from it, and never over a
file that a person still has to fix."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from nassl.settings import SettingsError
from stages.runs.lines import RUNS

HEADER = """\
# The current plan, written by `python -m stages.plan {overrides}`
# from workflow/config/, which gives the source of every value. Values of the sections may be
# edited or overridden (`dvc exp run -S recipe.search.epochs=5`); runs refer to them by name.
"""
# Snakemake reads YAML 1.1, DVC 1.2, the stages with OmegaConf's own numbers: in each of them other
# words are numbers and truth values.
READERS: dict[str, Callable[[str], Any]] = {
    "Snakemake": yaml.safe_load,
    "DVC": lambda text: YAML(typ="safe").load(text),
    "a stage": lambda text: OmegaConf.to_container(OmegaConf.create(text)),
}
RESOLVER = YAML(typ="safe").resolver
NUMBER = re.compile(r"[-+.\d][-+.\d_eE:xo]*")  # for one of them
CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} |\|{7} )")  # Git's markers


class _Dumper(yaml.SafeDumper):
    """Writes a value as often as it occurs (DVC refuses anchors that are repeated), and quotes
    strings that one of the readers takes for something else."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    written = dumper.represent_str(text)
    special = RESOLVER.resolve(ScalarNode, text, (True, False)) != RESOLVER.DEFAULT_SCALAR_TAG
    if special or NUMBER.fullmatch(text):
        written.style = "'"
    return written


_Dumper.add_representer(str, _text)


def as_text(params: dict, overrides: list[str]) -> str:
    """Sections in YAML's block style, runs and report rows on one line each.

    Raises SettingsError if DVC or Snakemake would read something else.
    """

    def flow(value: object) -> str:
        return yaml.dump(
            value, Dumper=_Dumper, default_flow_style=True, width=10**6, sort_keys=False
        ).strip()

    # Quoted for a shell, on one line whatever it holds.
    typed = shlex.join(overrides).encode("utf-8", "backslashreplace").decode()
    parts = [HEADER.format(overrides="\\n".join(typed.splitlines())).replace(" `\n", "`\n")]
    for section, entries in params.items():
        parts.append(f"\n{section}:" + ("" if entries else " {}"))
        if section in RUNS or section == "resources":
            parts += [f"  {name}: {flow(line)}" for name, line in entries.items()]
        elif section == "report":
            tables = entries["tables"]
            parts.append(f"  scale: {entries['scale']}\n  below: {flow(entries['below'])}")
            parts.append("  tables:" + ("" if tables else " {}"))
            for table, rows in tables.items():
                parts += [f"    {table}:", *(f"    - {flow(row)}" for row in rows)]
            if "decisions" in entries:
                parts += ["  decisions:", *(f"  - {flow(found)}" for found in entries["decisions"])]
            for table, rows in entries.get("study", {}).items():
                parts += ["  study:"] if table == next(iter(entries["study"])) else []
                parts += [f"    {table}:", *(f"    - {flow(row)}" for row in rows)]
            for name in (key for key in ("own", "boxes") if key in entries):
                parts += [f"  {name}:", *(f"  - {flow(row)}" for row in entries[name])]
        elif entries:
            text = yaml.dump(entries, Dumper=_Dumper, default_flow_style=None, sort_keys=False)
            parts.append("".join(f"  {line}\n" for line in text.splitlines()).rstrip())
    text = "\n".join(parts) + "\n"
    for reader, load in READERS.items():
        if (wrong := _first_difference(params, _loaded(load, text, reader))) is not None:
            raise SettingsError(
                f"{wrong} cannot be written so that {reader} reads it; give it another value"
            )
    return text


def _loaded(load: Callable[[str], Any], text: str, reader: str) -> Any:
    try:
        return load(text)
    except (YAMLError, yaml.YAMLError) as error:
        raise SettingsError(f"{reader} cannot read the plan: {error}") from error


def _first_difference(meant: Any, read: Any, place: str = "") -> str | None:
    """`recipe.search.epochs ('1e3')`: the first key that is read as another value."""
    if isinstance(meant, dict) and isinstance(read, dict) and meant.keys() == read.keys():
        pairs = [(meant[key], read[key], f"{place}.{key}" if place else str(key)) for key in meant]
    elif isinstance(meant, list | tuple) and isinstance(read, list) and len(meant) == len(read):
        pairs = [(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(zip(meant, read, strict=True))]
    else:
        same = meant == read and isinstance(meant, bool) == isinstance(read, bool)
        return None if same else f"{place} ({meant!r})"
    return next((found for pair in pairs if (found := _first_difference(*pair)) is not None), None)


def refuse_unfinished(path: Path) -> None:
    """Raises SettingsError for a plan that is not YAML (an unresolved merge, or a broken edit), so
    that its content, which may still be needed, is not overwritten."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 ({error}); fix it, or move it away") from error
    if line := conflict(text):
        raise SettingsError(
            f"{path}, line {line}: Git's conflict marker; nothing was changed. Keep one side "
            f"(`git checkout --ours {path}` or `--theirs`), or move the file away and write the "
            "plan again with `python -m stages.plan`"
        )
    for reader in ("Snakemake", "DVC"):
        try:
            READERS[reader](text)
        except (YAMLError, yaml.YAMLError) as error:
            raise SettingsError(
                f"{path} is not YAML that {reader} can read: {error}\nNothing was changed. Fix it,"
                f" take the last version from Git (`git checkout -- {path}`), or move it away and "
                "write the plan again with `python -m stages.plan`"
            ) from error


def conflict(text: str) -> int | None:
    """Number of the first line, from 1, that is a marker of Git's, if there is one of each side."""
    found = [n for n, line in enumerate(text.splitlines(), 1) if CONFLICT.match(line)]
    sides = {text.splitlines()[n - 1][0] for n in found}
    return found[0] if {"<", ">"} <= sides else None


def write(path: Path, text: str) -> None:
    """Replaces the plan as a whole. Raises SettingsError for one that still has to be fixed."""
    refuse_unfinished(path)
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
