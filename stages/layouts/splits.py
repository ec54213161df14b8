"""Folders that are named as the parts of a data set, in any usual spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

WORDS = {
    "train": ("train", "training", "trainset", "trainval", "trn"),
    "test": ("test", "tests", "testing", "testset", "tst", "eval", "evaluation"),
    "val": ("val", "valid", "validation", "valset", "validset", "dev"),
    "unlabeled": ("unlabeled", "unlabelled", "unsupervised"),
}
PARTS = {word: part for part, words in WORDS.items() for word in words}
FILLING = {"set", "data", "dataset", "split", "images", "image", "imgs", "img", "pictures",
           "photos", "files", "folder", "the"}  # fmt: skip


def split_of(name: str) -> str | None:
    """train, test, val or unlabeled if a folder is named as this part: `Training`, `test_set`,
    `valid`, `TrainImages`, `val2017`; None for any other name."""
    part, rest = _part_and_rest(name)
    return part if not rest else None


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """The part of every name that is named as one.

    `seg_train` and `seg_test` count, because they differ in nothing else; `steam_train` alone may
    be a class.
    """
    found, shared = {}, {}
    for name in names:
        part, rest = _part_and_rest(name)
        if part and not rest:
            found[name] = part
        elif part:
            shared.setdefault(rest, {})[name] = part
    for same in shared.values():
        if {"train"} < set(same.values()):
            found |= same
    return found


def _part_and_rest(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The part that one of the name's words means, and its words beside it."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    words = [word for word in re.split(r"[\W\d_]+", spaced.lower()) if word]
    parts = [PARTS[word] for word in words if word in PARTS]
    rest = tuple(word for word in words if word not in PARTS and word not in FILLING)
    return (parts[0], rest) if len(parts) == 1 else (None, rest)


def class_of(folder: str) -> str:
    """The name of the class in a folder: without white space around it, with accents written in one
    way (macOS writes them in another), and with bytes that are not UTF-8 as `\\xe9`."""
    text = folder.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text).strip()
