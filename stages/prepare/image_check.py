"""Every annotated image is opened once: it must be whole, and of the size its annotation says.

Some annotators mark boxes on the image as its EXIF orientation turns it, others on the pixels as
they are stored. If the two differ in size, the annotation's size shows which was used. If not (a
square image, or one turned by 180 degrees), the other images of the set decide; if none of them
shows it, or they disagree, the image is reported as a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from nassl.image_files.decode import TURNS, UnreadableImage, decoding_threads, frames, whole
from nassl.image_files.sources import digest

CHUNK = 32  # images handed to a thread at once: one at a time costs a third of looking at them
TURNED, STORED, EITHER = "turned", "stored", "either"
REMARKS = {
    TURNED: "images are turned by their EXIF orientation, and were annotated so",
    STORED: "images were annotated as they are stored: their EXIF orientation is ignored",
}


@dataclass(frozen=True)
class Looked:
    """`wrong` says what is wrong with an image's file, "" if nothing is; `annotated` what the
    annotation's size says of an image that EXIF turns, None for all others."""

    wrong: str
    sha256: bytes = b""
    annotated: str | None = None
    orientation: int = 1
    several: bool = False  # frames or pages


def check_images(
    root: Path, parts: dict[str, list[dict[str, Any]]], remark: Callable[[str, str, str], None]
) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """SHA-256 by file name, and problems (file name, what is wrong).

    Images that were annotated as they are stored although EXIF turns them get `turned: False`;
    `remark(part, text, file_name)` is called for every image that EXIF turns.
    """
    images = [(name, image) for name, part in parts.items() for image in part]
    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    with ThreadPoolExecutor(decoding_threads()) as pool:
        seen = pool.map(lambda chunk: [_look(root, image) for _, image in chunk], chunks)
        looked = list(chain.from_iterable(seen))
    said = {one.annotated for one in looked} - {None, EITHER}
    digests, problems = {}, []
    for (part, image), one in zip(images, looked, strict=True):
        name, wrong, how = image["file_name"], one.wrong, one.annotated
        if how == EITHER:
            how = said.copy().pop() if len(said) == 1 else None
            if how is None:
                others = "other images of the set say both" if said else "no other image says"
                wrong = (
                    f"its EXIF orientation, {one.orientation}, turns it without changing its size, "
                    f"so that nothing tells whether its boxes are of the turned or of the stored "
                    f"image, and {others}; store it upright, without EXIF orientation"
                )
        if wrong:
            problems.append((name, wrong))
            continue
        digests[name] = one.sha256
        if one.several:
            remark(part, "images have several frames or pages, of which the first is used", name)
        if how:
            remark(part, REMARKS[how], name)
        if how == STORED:
            image["turned"] = False
    return digests, problems


def _look(root: Path, image: dict[str, Any]) -> Looked:
    said = image["width"], image["height"]
    try:
        content = (root / image["file_name"]).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Looked("there is no such file")
    except OSError as error:
        return Looked(f"it cannot be read ({error.strerror or error})")
    try:
        stored, turned, orientation = whole(content)
        several = frames(content) > 1
    except UnreadableImage as error:
        return Looked(f"it cannot be read ({error})")
    if said not in (stored, turned):
        here = f"{stored[0]}x{stored[1]}"
        if stored != turned:
            here += f", or {turned[0]}x{turned[1]} as its EXIF orientation turns it"
        return Looked(f"it is {here}, its annotation says {said[0]}x{said[1]}")
    annotated = None
    if orientation in TURNS:
        annotated = EITHER if stored == turned else STORED if said == stored else TURNED
    return Looked("", digest(content), annotated, orientation, several)
