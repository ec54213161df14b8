"""Which image a VOC annotation is of."""

from __future__ import annotations

from pathlib import PurePosixPath

from nassl.image_files.kinds import EXTENSIONS
from stages.prepare.file_names import FileNames

DOCUMENTS = (".xml", ".txt", ".json", ".csv", ".md", ".yaml", ".yml")  # may lie beside images


def image_of(
    name: str, file_name: str, images: FileNames, annotations: FileNames
) -> tuple[str, bool]:
    """The path of the image in `images`, and whether <filename>, `file_name`, names another one.

    It is the file with the annotation's own `name` and any ending; if there are several, the one
    that <filename> names; if there is none, the file that <filename> names, unless an annotation of
    its own exists for that one. Raises LookupError saying why none can be told.
    """
    folder = PurePosixPath(name).parent
    given = images.find((folder / file_name).as_posix()) if file_name else []
    named = images.with_stem(name)
    endings = {path: PurePosixPath(path).suffix.lower() for path in named}
    named = [path for path in named if endings[path] in EXTENSIONS] or [
        path for path in named if endings[path] not in DOCUMENTS
    ]
    chosen = [path for path in named if path in given] if len(named) > 1 else named
    if len(chosen) == 1:
        return chosen[0], bool(given) and chosen[0] not in given
    if named:
        raise LookupError(
            f"it may be of any of JPEGImages/{', '.join(sorted(named))}, and its <filename>, "
            f"{file_name!r}, is none of them; keep one"
        )
    if len(given) == 1:
        owner = PurePosixPath(given[0]).with_suffix(".xml").as_posix()
        if annotations.find(owner):
            raise LookupError(
                f"there is no image JPEGImages/{name}.*, and its <filename>, {file_name!r}, is the "
                f"image of Annotations/{owner}; rename it after its image"
            )
        return given[0], False
    return f"{name}.jpg", False  # which is missing, and reported later
