"""What was meant by a command line that is refused: the same command, corrected, for the message.

Nothing is guessed silently. A correction is offered only if Hydra's grammar accepts it.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from nassl.settings import SECTIONS, SettingsError
from stages.plan.compose.roots import literal_roots, quoted

CONFIG = Path(__file__).resolve().parents[3] / "workflow" / "config"
CHOSEN = ("scale", "paper")  # groups of which a plan names options
ENTRY = re.compile(r"(?P<key>[\w.-]+)\s*:\s*(?P<value>.*)", re.DOTALL)
NEW_ENTRY = re.compile(r"({})\.[\w-]+".format("|".join(SECTIONS)))
# Hydra's own advice, which is given here in full or would mislead.
HYDRAS = (
    "To append to your config", "Either remove", "Or add a second", "See https://hydra.cc",
    "Config search path", "provider=",
)  # fmt: skip


def corrected(overrides: Sequence[str]) -> str:
    """The end of a message: what to type instead."""
    return "write: " + shlex.join(["python", "-m", "stages.plan", *overrides])


def check_words(overrides: Sequence[str]) -> None:
    """Raises SettingsError for a word that is no override, with the command that was meant."""
    for place, word in enumerate(overrides):
        if "=" in word or word.startswith("~"):
            continue
        meant = _meant(list(overrides), place)
        message = f"{word!r} is not of the form key=value"
        raise SettingsError(f"{message}; {corrected(meant) if meant else 'see --help'}")


def _meant(overrides: list[str], place: int) -> list[str] | None:
    word, before, after = overrides[place], overrides[:place], overrides[place + 1 :]
    stray = [word]
    while after and "=" not in after[0]:
        stray.append(after.pop(0))
    if re.fullmatch(r"\+{0,2}([\w-]+\.)+[\w-]+", word) and len(stray) == 2:  # data.root /x
        return [*before, f"{word}={stray[1]}", *after]
    key, _, value = before[-1].partition("=") if before else ("", "", "-")
    if not value:  # data.root= /x, or what a shell made of /x/*
        value = stray[0] if len(stray) == 1 else os.path.commonpath(map(os.path.abspath, stray))
    elif key.endswith("root") or value[0] in "[{'\"/~":
        value = " ".join([value, *stray])
    else:
        for group in CHOSEN:
            if (CONFIG / group / f"{word}.yaml").exists():
                return [*before, f"{group}={word}", *overrides[place + 1 :]]
        return None
    (whole,) = with_quotes([f"{key}={value}"]) or [None]
    return None if whole is None else [*before[:-1], whole, *after]


def option_as_override(argv: Sequence[str], unknown: Iterable[str], options: Sequence[str]) -> str:
    """The message for `--scale=lab`, `--scale lab` and the like."""
    meant, rest = [], list(argv)
    unknown = list(unknown)
    while rest:
        word = rest.pop(0)
        if word not in unknown:
            meant.append(word)
            continue
        key, equals, value = word.lstrip("-").partition("=")
        if not equals and rest and not rest[0].startswith("-") and "=" not in rest[0]:
            equals, value = "=", rest.pop(0)
        meant.append(f"{key}={value}" if equals else key)
    return (
        f"{unknown[0].partition('=')[0]!r} is no option; allowed: {', '.join(options)}; "
        + corrected(meant)
    )


def about_key(overrides: Sequence[str], reason: str, known: dict[str, list[str]]) -> str | None:
    """What to add to Hydra's `reason` where a `+` is missing or one too many, or where a key is
    misspelt; `known` has the keys that there may be, by the key above them."""
    if found := re.search(r"An item is already at '([^']+)'", reason):
        return _with(overrides, found[1], "")
    found = re.search(r"Could not override '([^']+)'", reason)
    if not found:
        return None
    key = found[1]
    if key == "data.root":
        return corrected(_own(overrides))
    above, _, last = key.rpartition(".")
    if above == "stand_ins" or key.startswith("stand_ins."):
        above, last = "stand_ins", key.removeprefix("stand_ins.")
    allowed = known.get(above, [])
    near = difflib.get_close_matches(last, allowed, 1)
    added = _with(overrides, key, "+") if _may_be_new(overrides, key, last in allowed) else None
    if near and last not in near and not added:
        return _with(overrides, key, None, f"{above}.{near[0]}")
    return added


def _own(overrides: Sequence[str]) -> list[str]:
    """With what a plan for a folder of one's own needs."""
    rest = [o for o in overrides if _key(o) != "paper" and o != "data=folder"]
    return ["paper=own", "data=folder", *rest]


def _may_be_new(overrides: Sequence[str], key: str, is_name: bool) -> bool:
    """Whether `+` is all that is missing: a whole entry of a section, or a known stand-in."""
    if key.startswith("stand_ins."):
        return is_name
    given = next((o.partition("=")[2] for o in overrides if _key(o) == key), "")
    return bool(NEW_ENTRY.fullmatch(key)) and given.startswith("{")


def _with(
    overrides: Sequence[str], key: str, prefix: str | None, name: str | None = None
) -> str | None:
    """The command with another prefix, or another name, for `key`."""
    changed = []
    for override in overrides:
        if _key(override) != key:
            changed.append(override)
            continue
        old, _, value = override.partition("=")
        pluses = "+" * (len(old) - len(old.lstrip("+"))) if prefix is None else prefix
        changed.append(f"{pluses}{name or key}={value}")
    return corrected(changed) if changed != list(overrides) else None


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")


def about_quotes(overrides: Sequence[str]) -> str | None:
    """What to add where Hydra cannot parse a value: the command with quotes inside it."""
    repaired = with_quotes(overrides)
    return corrected(repaired) if repaired and repaired != list(overrides) else None


def with_quotes(overrides: Sequence[str]) -> list[str] | None:
    """The overrides, with quotes in those that cannot be parsed; None if that does not help."""
    result = []
    for override in overrides:
        if not _parses(override):
            key, _, value = override.partition("=")
            override = f"{key}={_quoted_inside(value)}"
            if not _parses(override):
                return None
        result.append(override)
    return result


def _parses(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(literal_roots([override])[0])
    except (HydraException, SettingsError):
        return False
    return True


def _quoted_inside(value: str) -> str:
    """Elements of a list, values of a mapping, or the whole, in quotes."""
    if value[:1] == "[":
        inner = value[1:].removesuffix("]")
        return "[" + ", ".join(_in_quotes(part) for part in inner.split(",")) + "]"
    if value[:1] == "{":
        inner = value[1:].removesuffix("}")
        parts = re.split(r",\s*(?=[\w.-]+\s*:)", inner)
        entries = [ENTRY.fullmatch(part.strip()) for part in parts]
        if all(entries):
            return "{" + ", ".join(f"{e['key']}: {_in_quotes(e['value'])}" for e in entries) + "}"
    return quoted(value)


def _in_quotes(value: str) -> str:
    value = value.strip()
    plain = re.fullmatch(r"[\w./+-]+", value, re.ASCII)
    return value if plain or value[:1] in "'\"[{" else quoted(value)


def refuse_unused_seeds(
    overrides: Sequence[str], papers: Iterable[str], seeds: dict[str, int]
) -> None:
    """Raises SettingsError for a number of final trainings that no paper of the plan takes, because
    each has its own."""
    papers = sorted(papers)
    for place, override in enumerate(overrides):
        if _key(override) == "seeds.final" and all(paper in seeds for paper in papers):
            count = override.partition("=")[2]
            instead = [f"seeds.{paper}={count}" for paper in papers]
            meant = [*overrides[:place], *instead, *overrides[place + 1 :]]
            raise SettingsError(f"{override!r} changes nothing in this plan; {corrected(meant)}")


def refuse_unused_data(
    overrides: Sequence[str], data: dict, used: Iterable[str], stand_ins: dict[str, str]
) -> None:
    """Raises SettingsError for a setting of data that no run of the plan reads: it would otherwise
    run on other images than the user named."""
    used = list(used)
    for override in overrides:
        key = _key(override)
        name = "folder" if key == "data.root" else [*key.split("."), ""][1]
        if not key.startswith("data.") or name not in data or name in used:
            continue
        message = f"{override!r} changes nothing: no run of this plan reads data.{name}; "
        if name == "folder":
            raise SettingsError(message + corrected(_own(overrides)))
        if name in stand_ins:
            message += f"{stand_ins[name]} stands in for it; "
            raise SettingsError(message + corrected([*overrides, f"stand_ins.{name}={name}"]))
        raise SettingsError(
            f"{message}say whose place it takes, as stand_ins.<name>={name}, or leave it out; "
            f"names: {', '.join(stand_ins) or ', '.join(used)}"
        )
