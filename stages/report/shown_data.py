"""What the runs were made with: classes and their images, what was left out, and test images that
were trained on, which are named beside every number measured on them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json
from nassl.image_files.walk import listing, walk
from stages.report.evidence import Evidence


def shown_data(evidence: Evidence) -> list[dict[str, Any]]:
    """Per prepared data set: `name`; `parts`; `classes`, each with its images in every part;
    `remarks` as text; `leak` as `leaks` has it."""
    found = []
    for name in evidence.lines["prepare"]:
        labels = _manifest(evidence, name, "labels")
        if labels is None:
            continue
        counts = labels.get("labels") or {}
        names = labels.get("classes") or []
        remarks = [_as_text(remark) for remark in labels.get("remarks", [])]
        found.append(
            {
                "name": name,
                "parts": list(counts),
                "classes": [(c, [counts[part].get(c, 0) for part in counts]) for c in names],
                "remarks": remarks + _changed(name, labels.get("source")),
                "leak": _leak(evidence, name),
            }
        )
    return found


def note_leaks(
    tables: list[dict[str, Any]], own: dict[str, Any] | None, evidence: Evidence
) -> None:
    """Adds the leaks of a row's data to its note: in every table, whatever it is written to."""
    for row in (row for table in tables for row in table["rows"]):
        runs = [run for seed in row["seeds"] for run in (seed["run"], seed.get("minus")) if run]
        row["note"] = "; ".join(filter(None, [row["note"], leaks(evidence, runs)]))
    for row in own["rows"] if own else ():
        row["note"] = leaks(evidence, row["runs"])


def leak_findings(evidence: Evidence) -> list[dict[str, str]]:
    """Come before all other findings, which may depend on these images."""
    found = [leak for name in evidence.lines["prepare"] if (leak := _leak(evidence, name))]
    return [
        {"figure": "leak", "text": f"{leak}; every accuracy on them is too high."} for leak in found
    ]


def leaks(evidence: Evidence, runs: Iterable[str]) -> str:
    """`600 test images of own, of which 3 in train too: ...`, for all data that the runs were
    tested on; empty if there are none."""
    lines = evidence.lines
    parts = [run.split("/", 1) for run in runs]
    names = [lines.get(stage, {}).get(name, {}).get("data") for stage, name in parts]
    return "; ".join(filter(None, (_leak(evidence, name) for name in dict.fromkeys(names))))


def _leak(evidence: Evidence, name: str | None) -> str:
    images = _manifest(evidence, name, "images") if name in evidence.lines["prepare"] else None
    also = {part: n for part, n in (images or {}).get("test_images_also_in", {}).items() if n}
    if not also:
        return ""
    parts = " and ".join(f"{count} in {part}" for part, count in also.items())
    total = images["counts"].get("test", 0)
    return f"{total} test images of {name}, of which {parts} too: they were trained on"


def _manifest(evidence: Evidence, name: str, folder: str) -> dict[str, Any] | None:
    file = evidence.folder("prepare", name) / folder / "manifest.json"
    return read_json(file) if file.exists() else None


def _as_text(remark: dict[str, Any]) -> str:
    text = f"{remark['part']}: {remark['count']} {remark['text']} (first: {remark['first']})"
    return text.encode("utf-8", "backslashreplace").decode()  # names of files may be any bytes


def _changed(name: str, source: dict[str, Any] | None) -> list[str]:
    """Whether a folder whose images were packed has other files now. Nothing reads them again, so
    the results are those of the folder as it was."""
    if not source or not Path(source["root"]).is_dir():
        return []
    try:
        there = walk(Path(source["root"])).paths
    except InputError:
        return []
    if listing(there) == source["listing"]:
        return []
    return [
        f"the results are of {source['root']} as it was when it was prepared, with "
        f"{source['images']} images; it has other files now ({len(there)} images): prepare them "
        f"with `dvc repro --force --single-item prepare@{name}`"
    ]
