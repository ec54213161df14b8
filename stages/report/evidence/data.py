"""The prepared data: classes and their images, what was left out, and test images that were
trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json
from nassl.image_files.walk import listing, walk
from stages.report.evidence.runs import Evidence


@dataclass(frozen=True)
class Leak:
    """Of the `count` test images of `data`, `also` (part -> number) are in another part, too."""

    data: str
    count: int
    also: dict[str, int]


@dataclass(frozen=True)
class Remark:
    """What `prepare` said of `count` things in a part, of which `first` is the first."""

    part: str
    count: int
    text: str
    first: str


@dataclass(frozen=True)
class Changed:
    """A folder of which `before` images were packed, and which has other files `now`."""

    root: str
    before: int
    now: int


@dataclass(frozen=True)
class Prepared:
    """`classes`: name and number of images in each of the `parts`."""

    name: str
    parts: tuple[str, ...]
    classes: tuple[tuple[str, tuple[int, ...]], ...]
    remarks: tuple[Remark, ...]
    changed: Changed | None
    leak: Leak | None


@dataclass(frozen=True)
class Source:
    """`side` in pixels, or "own" where images keep theirs (annotated ones do); images per part;
    SHA-256 of the manifest, which has the hashes of all its files."""

    name: str
    kind: str
    side: int | str
    counts: dict[str, int]
    sha256: str


@dataclass(frozen=True)
class LeftOut:
    """Of a folder: images that could not be read, `(path in the folder, reason)`, and how many
    files `prepare` passed over."""

    unreadable: tuple[tuple[str, str], ...]
    passed_over: int


def prepared_data(evidence: Evidence) -> list[Prepared]:
    """Every prepared data set of the plan."""
    found = []
    for name in evidence.lines["prepare"]:
        labels = _manifest(evidence, name, "labels")
        if labels is None:
            continue
        counts = labels.get("labels") or {}
        names = labels.get("classes") or []
        found.append(
            Prepared(
                name=name,
                parts=tuple(counts),
                classes=tuple((c, tuple(counts[part].get(c, 0) for part in counts)) for c in names),
                remarks=tuple(
                    Remark(remark["part"], remark["count"], remark["text"], remark["first"])
                    for remark in labels.get("remarks", [])
                ),
                changed=_changed(labels.get("source")),
                leak=leak_of(evidence, name),
            )
        )
    return found


def all_leaks(evidence: Evidence) -> list[Leak]:
    """Those of the plan's data."""
    return [leak for name in evidence.lines["prepare"] if (leak := leak_of(evidence, name))]


def leaks_of(evidence: Evidence, runs: Iterable[str]) -> tuple[Leak, ...]:
    """Those of all data that the runs `<stage>/<run>` were tested on."""
    lines = evidence.lines
    parts = [run.split("/", 1) for run in runs]
    names = [lines.get(stage, {}).get(name, {}).get("data") for stage, name in parts]
    found = (leak_of(evidence, name) for name in dict.fromkeys(names))
    return tuple(leak for leak in found if leak)


def leak_of(evidence: Evidence, name: str | None) -> Leak | None:
    images = _manifest(evidence, name, "images") if name in evidence.lines["prepare"] else None
    also = {part: n for part, n in (images or {}).get("test_images_also_in", {}).items() if n}
    return Leak(name, images["counts"].get("test", 0), also) if also else None


def guessing(evidence: Evidence, name: str) -> float | None:
    """The share of the test images that always naming the most frequent class gets right; None
    without classes."""
    counts = ((_manifest(evidence, name, "labels") or {}).get("labels") or {}).get("test", {})
    return max(counts.values()) / sum(counts.values()) if sum(counts.values()) else None


def left_out(evidence: Evidence, name: str) -> LeftOut:
    labels = _manifest(evidence, name, "labels") or {}
    images = _manifest(evidence, name, "images") or {}
    skipped = tuple((entry["path"], entry["reason"]) for entry in labels.get("skipped") or ())
    return LeftOut(skipped, images.get("ignored", 0))


def folder_name(evidence: Evidence, name: str) -> str:
    """Of the user's images: the last part of their path, or `name` where there is no path."""
    root = ((evidence.plan.get("data") or {}).get(name) or {}).get("root") or ""
    return Path(root).name or name


def sources(evidence: Evidence) -> list[Source]:
    """Where the prepared images come from."""
    found = []
    for name in evidence.lines["prepare"]:
        file = _file(evidence, name, "images")
        if file.exists():
            manifest = read_json(file)
            found.append(
                Source(
                    name=name,
                    kind=manifest.get("kind", "?"),
                    side=manifest.get("image_size", "own"),
                    counts=manifest.get("counts", {}),
                    sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
                )
            )
    return found


def _file(evidence: Evidence, name: str, folder: str) -> Path:
    return evidence.folder("prepare", name) / folder / "manifest.json"


def _manifest(evidence: Evidence, name: str, folder: str) -> dict[str, Any] | None:
    file = _file(evidence, name, folder)
    return read_json(file) if file.exists() else None


def _changed(source: dict[str, Any] | None) -> Changed | None:
    """Whether a folder whose images were packed has other files now. Nothing reads them again, so
    the results are those of the folder as it was."""
    if not source or not Path(source["root"]).is_dir():
        return None
    try:
        there = walk(Path(source["root"])).paths
    except InputError:
        return None
    if listing(there) == source["listing"]:
        return None
    return Changed(source["root"], source["images"], len(there))
