"""Images that are left out because a file lists them: the test images of a data set with boxes,
whose other images are pretrained on."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from nassl.files import InputError
from stages.layouts.folders import Layout


def leave_out(layout: Layout, paths: list[str], listing: str) -> None:
    """Of the images at `paths`, those that the file `listing` names, one a line, with or without
    their ending and folder, have no place in `layout` any more. Nothing without a listing.

    Raises InputError if it cannot be read, or names what is no image here.
    """
    if not listing:
        return
    try:
        text = Path(listing).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"data.folder.without is {listing!r}, which cannot be read: {error}"
        ) from error
    names = {line.strip() for line in text.splitlines() if line.strip()}
    found: set[str] = set()
    left_out = []
    for index, path in enumerate(paths):
        pure = PurePosixPath(path)
        if meant := names & {path, pure.name, pure.stem}:
            found |= meant
            left_out.append(path)
            layout.places[index] = None
    if missing := sorted(names - found):
        raise InputError(
            f"data.folder.without is {listing!r}, which names {missing[0]!r} ({len(missing)} of "
            f"{len(names)} names): there is no such image; give names of images, one a line"
        )
    if left_out:
        text = f"images are left out: {Path(listing).name} names them"
        layout.remarks.add("all parts", text, left_out[0], len(left_out))
