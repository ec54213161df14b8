"""Any folder or archive of images, with or without class folders; ImageNet is one of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nassl.files import InputError
from nassl.image_files.decode import UnreadableImage, decoding_threads, frames, square
from nassl.image_files.sources import digest
from nassl.image_files.walk import listing
from nassl.settings import Data
from stages.layouts.files import Files, image_files
from stages.layouts.folders import Layout, arrange
from stages.layouts.without import leave_out
from stages.prepare.classes import keep_classes
from stages.prepare.parts import Part, Prepared
from stages.prepare.repeated import in_two_classes
from stages.prepare.write import moments

AT_A_TIME = 256  # files in memory while they are decoded
MOST_KINDS = 20  # of files that are not images, counted in the manifest
TEST_STREAM = 1_000_005  # keeps the drawing of the test part apart from other random numbers


def folder(settings: Data) -> Prepared:
    """Reads every image under `settings.root` once, so that no run fails on a bad file hours later.

    Up to 1 GiB of pixels are packed into arrays; more are indexed: the files stay where they are,
    and their paths are listed. Either way the images are ordered by the hash of their bytes, so
    that their order says nothing about their class folders.

    Raises InputError naming a file that is not a complete image (`on_error: stop`; with `skip` it
    is listed in the manifest), and for an unknown layout.
    """
    root = Path(settings.root)
    if not settings.root:
        raise InputError("data.root is empty; set it to a folder or an archive of images")
    if settings.on_error not in ("stop", "skip"):
        raise InputError(f"data.on_error is {settings.on_error!r}; allowed: stop, skip")
    if not 0 <= settings.test_fraction < 1:
        raise InputError(f"data.test_fraction is {settings.test_fraction}; allowed: 0 to below 1")
    with image_files(root) as files:
        if settings.kind == "imagenet":
            _check_imagenet(files, root)
        layout = arrange(files.found, root)
        left_out = sum(place is None for place in layout.places)
        leave_out(layout, files.paths, getattr(settings, "without", ""))
        chosen = keep_classes(layout, settings)
        size = len(files.paths) * settings.image_size**2 * 3
        pack = not settings.indexed(size)
        if not pack and files.in_archive:
            raise InputError(
                f"{root} holds {len(files.paths)} images, {size / 2**30:.1f} GiB at "
                f"{settings.image_size} pixels, too many to pack into arrays (1 GiB); unpack the "
                "archive and set data.root to the folder"
            )
        table = _Table(len(files.paths), settings.image_size, pack)
        skipped = _read(files, chosen, table, settings)
    good = sorted(table.digests, key=lambda i: (table.digests[i], files.paths[i]))
    by_part: dict[str, list[int]] = {}
    for index in good:
        if layout.places[index] is not None:
            by_part.setdefault(layout.places[index][0], []).append(index)
    if not by_part:
        raise InputError(f"{root} holds no readable image; {len(skipped)} were skipped")
    if "test" not in by_part and settings.test_fraction and "train" in by_part:
        by_part["train"], by_part["test"] = _drawn_test(by_part["train"], settings)
    if settings.unlabeled_with_train and {"train", "unlabeled"} <= set(by_part):
        pool = {*by_part["train"], *by_part["unlabeled"]}
        by_part["unlabeled"] = [index for index in good if index in pool]
        text = "images are in unlabeled, too: search and pretraining use all images"
        first = files.paths[by_part["train"][0]]
        layout.remarks.add("train", text, first, len(by_part["train"]))
    numbers = {name: number for number, name in enumerate(layout.classes or [])}
    parts = {}
    for name in sorted(by_part, key=["train", "test", "unlabeled"].index):
        chosen = np.array(by_part[name])
        labelled = layout.classes is not None and name != "unlabeled"
        labels = np.array([numbers[layout.places[i][1]] for i in chosen]) if labelled else None
        parts[name] = Part(
            table.pixels[chosen] if pack else None,
            labels,
            None if pack else [files.paths[i] for i in chosen],
            None if pack else table.moments[chosen],
            [table.digests[i] for i in chosen],
        )
    notes = {
        "ignored": files.ignored + left_out,
        "not_used": dict(files.found.others.most_common(MOST_KINDS)),
    }
    known = {"root": str(root.resolve()), "listing": listing(files.paths)}
    if not pack:
        notes["listing"] = known["listing"]
    origin = None if pack else known["root"]
    # Beside the labels: the paths have the classes in them.
    source = known | {"images": len(files.paths)} if pack and not files.in_archive else None
    _remark(layout, files.paths, table, skipped)
    prepared = Prepared(parts, layout.classes, origin, skipped, notes, source, layout.remarks)
    return prepared.limited(settings)


def _remark(layout: Layout, paths: list[str], table: _Table, skipped: list[dict[str, str]]) -> None:
    """What was seen in the files themselves."""
    several = [paths[index] for index in table.several]
    both = [paths[index] for index in in_two_classes(table.digests, layout.places)]
    left_out = [entry["path"] for entry in skipped]
    reason = skipped[0]["reason"] if skipped else ""
    for found, text in (
        (several, "files have several frames or pages, of which the first is used"),
        (both, "images are there under another class, too"),
        (left_out, f"files cannot be read and are left out; the first: {reason}"),
    ):
        if found:
            layout.remarks.add("all parts", text, found[0], len(found))


class _Table:
    """What is known of each file after it was read; `digests` has the readable ones only."""

    def __init__(self, count: int, side: int, pack: bool) -> None:
        self.digests: dict[int, bytes] = {}
        self.several: list[int] = []  # files with more than one frame
        self.pixels = np.empty((count, side, side, 3), np.uint8) if pack else None
        self.moments = None if pack else np.empty((count, 2, 3))

    def put(self, index: int, digested: bytes, pixels: np.ndarray, frames: int) -> None:
        self.digests[index] = digested
        if frames > 1:
            self.several.append(index)
        if self.pixels is not None:
            self.pixels[index] = pixels
        else:
            self.moments[index] = moments(pixels[None])[0]


def _read(files: Files, chosen: list[int], table: _Table, settings: Data) -> list[dict[str, str]]:
    """Fills the table with the `chosen` files and returns what was skipped, in the order of the
    hashes."""
    skipped = []

    def decoded(
        content: bytes | UnreadableImage,
    ) -> tuple[np.ndarray | UnreadableImage, int]:
        if isinstance(content, UnreadableImage):
            return content, 0
        try:
            return square(content, settings.image_size), frames(content)
        except UnreadableImage as error:
            return error, 0

    with ThreadPoolExecutor(decoding_threads()) as pool:
        for start in range(0, len(chosen), AT_A_TIME):
            some = chosen[start : start + AT_A_TIME]
            contents = [_bytes(files, index) for index in some]
            for index, content, (pixels, count) in zip(
                some, contents, pool.map(decoded, contents), strict=True
            ):
                digested = digest(content) if isinstance(content, bytes) else b""
                if not isinstance(pixels, UnreadableImage):
                    table.put(index, digested, pixels, count)
                    continue
                path = files.paths[index]
                if settings.on_error == "stop":
                    raise InputError(
                        f"{settings.root}: {path} cannot be read: {pixels}; "
                        "repair or remove it, or set data.on_error to skip"
                    ) from pixels
                skipped.append({"path": path, "sha256": digested.hex(), "reason": str(pixels)})
    return sorted(skipped, key=lambda entry: (entry["sha256"], entry["path"]))


def _bytes(files: Files, index: int) -> bytes | UnreadableImage:
    try:
        return files.read(index)
    except UnreadableImage as error:
        return error


def _drawn_test(train: list[int], settings: Data) -> tuple[list[int], list[int]]:
    """(rest, test): a random share, drawn without a label."""
    count = round(len(train) * settings.test_fraction)
    if not 0 < count < len(train):
        raise InputError(
            f"data.test_fraction {settings.test_fraction} of {len(train)} images is {count}; "
            "choose a fraction that leaves images on both sides"
        )
    random = np.random.default_rng([settings.seed, TEST_STREAM])
    drawn = set(random.permutation(len(train))[:count].tolist())
    rest = [index for place, index in enumerate(train) if place not in drawn]
    return rest, [index for place, index in enumerate(train) if place in drawn]


def _check_imagenet(files: Files, root: Path) -> None:
    tops = {path.partition("/")[0] for path in files.paths}
    if files.in_archive or not {"train", "val"} <= tops:
        raise InputError(
            f"{root} is not laid out as ImageNet: a folder with train/<wnid>/*.JPEG and "
            f"val/<wnid>/*.JPEG is expected, found: {', '.join(sorted(tops)[:10])}"
        )
