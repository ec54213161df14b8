"""What became of the data: test images that were trained on, what was left out, what changed."""

from __future__ import annotations

from collections.abc import Iterable

from stages.report.evidence.data import Leak, Prepared


def leak(found: Leak | None) -> str:
    """`600 test images of own, of which 3 in train too: ...`; nothing where there is none."""
    if found is None:
        return ""
    parts = " and ".join(f"{count} in {part}" for part, count in found.also.items())
    return f"{found.count} test images of {found.data}, of which {parts} too: they were trained on"


def leaks(found: Iterable[Leak]) -> str:
    """The note of every number measured on the data."""
    return "; ".join(map(leak, found))


def remarks(data: Prepared) -> list[str]:
    """What `prepare` remarked; names of files may be any bytes."""
    found = [
        f"{remark.part}: {remark.count} {remark.text} (first: {remark.first})"
        for remark in data.remarks
    ]
    found = [text.encode("utf-8", "backslashreplace").decode() for text in found]
    if changed := data.changed:
        found.append(
            f"the results are of {changed.root} as it was when it was prepared, with "
            f"{changed.before} images; it has other files now ({changed.now} images): prepare them "
            f"with `dvc repro --force --single-item prepare@{data.name}`"
        )
    return found
