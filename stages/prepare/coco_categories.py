"""COCO's categories: one id for one name, the same in both annotation files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nassl.files import InputError
from stages.prepare.file_names import class_name


def read_categories(content: dict[str, Any], file: Path) -> dict[int, str]:
    """Names by id, without white space around them.

    Raises InputError if an id has two names or a name two ids.
    """
    names: dict[int, str] = {}
    ids: dict[str, int] = {}
    for entry in content["categories"]:
        identity, name = entry["id"], class_name(entry["name"])
        if names.setdefault(identity, name) != name:
            raise InputError(
                f"{file}: the category id {identity} belongs to {names[identity]!r} and to "
                f"{name!r}; give each an id of its own, in categories and in annotations"
            )
        if ids.setdefault(name, identity) != identity:
            raise InputError(
                f"{file}: the category {name!r} has the ids {ids[name]} and {identity}; give it "
                "one of them, in categories and in annotations, or two names if they are two"
            )
    return names


def joined(categories: dict[str, dict[int, str]], files: dict[str, Path]) -> dict[int, str]:
    """The categories of both files, by rising id. Raises InputError if they contradict."""
    train, test = categories["train"], categories["test"]
    ids = {name: identity for identity, name in train.items()}
    for identity, name in test.items():
        if train.get(identity, name) != name:
            wrong = f"the id {identity} is {train[identity]!r} in %s and {name!r} in %s"
        elif ids.get(name, identity) != identity:
            wrong = f"{name!r} has the id {ids[name]} in %s and {identity} in %s"
        else:
            continue
        wrong %= files["train"].name, files["test"].name
        raise InputError(
            f"{files['train'].parent}: the categories of the two annotation files differ: {wrong}; "
            "give every category the same id in both files"
        )
    return dict(sorted((train | test).items()))
