"""Any folder or archive of images, with or without class folders; ImageNet is one of them.

Layouts:
    train/<class>/*  test/<class>/*  [unlabeled/*]   (val/ serves as test/ if there is no test/)
    train/*  test/*                                  no labels
    <class>/*                                        one set; data.test_fraction draws a test part
    *                                                one set without labels
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np

from stages.core.command import InputError
from stages.core.data.decode import UnreadableImage, decoding_threads, square
from stages.core.settings import Data
from stages.prepare.files import Files, image_files
from stages.prepare.parts import Part, Prepared
from stages.prepare.write import moments

PACK_LIMIT = 2**30  # bytes of pixels up to which images are packed into arrays
AT_A_TIME = 256  # files in memory while they are decoded
TEST_STREAM = 1_000_005  # keeps the drawing of the test part apart from other random numbers


def folder(settings: Data) -> Prepared:
    """Reads every image under `settings.root` once, so that no run dies of a bad file hours later.

    Up to 1 GiB of pixels are packed into arrays; more are indexed: the files stay where they are,
    and their paths are listed. Either way the images are ordered by the hash of their bytes, so
    that their order says nothing about their class folders.

    Raises InputError naming the file for one that is no whole image (`on_error: stop`; with `skip`
    it is listed in the manifest), and for a layout that is none of the above.
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
        places, classes = arrange(files.paths, root)
        size = len(files.paths) * settings.image_size**2 * 3
        pack = size <= PACK_LIMIT and settings.kind != "imagenet"
        if not pack and files.in_archive:
            raise InputError(
                f"{root} holds {len(files.paths)} images, {size / 2**30:.1f} GiB at "
                f"{settings.image_size} pixels, too many to pack into arrays (1 GiB); unpack the "
                "archive and set data.root to the folder"
            )
        table = _Table(len(files.paths), settings.image_size, pack)
        skipped = _read(files, table, settings)
    good = sorted(table.digests, key=lambda i: (table.digests[i], files.paths[i]))
    by_part: dict[str, list[int]] = {}
    for index in good:
        if places[index] is not None:
            by_part.setdefault(places[index][0], []).append(index)
    if not by_part:
        raise InputError(f"{root} holds no readable image; {len(skipped)} were skipped")
    if "test" not in by_part and settings.test_fraction and "train" in by_part:
        by_part["train"], by_part["test"] = _drawn_test(by_part["train"], settings)
    numbers = {name: number for number, name in enumerate(classes or [])}
    parts = {}
    for name in sorted(by_part, key=["train", "test", "unlabeled"].index):
        chosen = np.array(by_part[name])
        labelled = classes is not None and name != "unlabeled"
        labels = np.array([numbers[places[i][1]] for i in chosen]) if labelled else None
        parts[name] = Part(
            table.pixels[chosen] if pack else None,
            labels,
            None if pack else [files.paths[i] for i in chosen],
            None if pack else table.moments[chosen],
        )
    notes = {"ignored": files.ignored + sum(place is None for place in places)}
    origin = None if pack else str(root.resolve())
    return Prepared(parts, classes, origin, skipped, notes).limited(settings)


class _Table:
    """What is known of each file after it was read; `digests` has the readable ones only."""

    def __init__(self, count: int, side: int, pack: bool) -> None:
        self.digests: dict[int, str] = {}
        self.pixels = np.empty((count, side, side, 3), np.uint8) if pack else None
        self.moments = None if pack else np.empty((count, 2, 3))

    def put(self, index: int, digest: str, pixels: np.ndarray) -> None:
        self.digests[index] = digest
        if self.pixels is not None:
            self.pixels[index] = pixels
        else:
            self.moments[index] = moments(pixels[None])[0]


def _read(files: Files, table: _Table, settings: Data) -> list[dict[str, str]]:
    """Fills the table and returns what was skipped, in the order of the hashes."""
    skipped = []

    def decoded(content: bytes | UnreadableImage) -> np.ndarray | UnreadableImage:
        if isinstance(content, UnreadableImage):
            return content
        try:
            return square(content, settings.image_size)
        except UnreadableImage as error:
            return error

    with ThreadPoolExecutor(decoding_threads()) as pool:
        for start in range(0, len(files.paths), AT_A_TIME):
            some = range(start, min(start + AT_A_TIME, len(files.paths)))
            contents = [_bytes(files, index) for index in some]
            for index, content, pixels in zip(
                some, contents, pool.map(decoded, contents), strict=True
            ):
                whole = isinstance(content, bytes)
                digest = hashlib.sha256(content).hexdigest() if whole else ""
                if not isinstance(pixels, UnreadableImage):
                    table.put(index, digest, pixels)
                    continue
                path = files.paths[index]
                if settings.on_error == "stop":
                    raise InputError(
                        f"{settings.root}: {path} cannot be read: {pixels}; "
                        "repair or remove it, or set data.on_error to skip"
                    ) from pixels
                skipped.append({"path": path, "sha256": digest, "reason": str(pixels)})
    return sorted(skipped, key=lambda entry: (entry["sha256"], entry["path"]))


def _bytes(files: Files, index: int) -> bytes | UnreadableImage:
    try:
        return files.read(index)
    except UnreadableImage as error:
        return error


def arrange(
    paths: list[str], root: Path
) -> tuple[list[tuple[str, str | None] | None], list[str] | None]:
    """(part, class) of every path, None for one that is not used, and the class names in order.

    Raises InputError for a layout that is none of the known ones.
    """
    split = [PurePosixPath(path).parts for path in paths]
    tops = {parts[0] for parts in split if len(parts) > 1}
    places: list[tuple[str, str | None] | None] = []
    if tops & {"train", "unlabeled"}:
        names = {"train": "train", "unlabeled": "unlabeled"}
        names["test" if "test" in tops else "val"] = "test"
        for path, parts in zip(paths, split, strict=True):
            if len(parts) == 1 or parts[0] not in {*names, "test", "val"}:
                given = ", ".join(sorted(tops & {*names, "test", "val"}))
                raise InputError(
                    f"{root} has the parts {given}, and {path} is in none; "
                    "allowed beside train/: test/, val/, unlabeled/"
                )
            if parts[0] not in names:
                places.append(None)  # val/ beside test/
            else:
                places.append((names[parts[0]], parts[1] if len(parts) > 2 else None))
    else:
        places = [("train", parts[0] if len(parts) > 1 else None) for parts in split]
    return places, _classes(places, paths, root)


def _classes(places: list, paths: list[str], root: Path) -> list[str] | None:
    found: dict[str, set[str | None]] = {"train": set(), "test": set()}
    for place in places:
        if place is not None and place[0] != "unlabeled":
            found[place[0]].add(place[1])
    for part, names in found.items():
        if None in names and len(names) > 1:
            stray = paths[places.index((part, None))]
            raise InputError(
                f"{root}: {stray} lies beside class folders ({min(names - {None})}/, ...); move it "
                "into one, or put all images under unlabeled/"
            )
    train, test = found["train"], found["test"]
    if test and not train:
        raise InputError(f"{root} has test images and no train/; add it")
    if test and (None in train) != (None in test):
        with_classes, without = ("test", "train") if None in train else ("train", "test")
        raise InputError(
            f"{root}: {with_classes}/ has class folders and {without}/ has none; "
            "give them to both or to neither"
        )
    if None in train or not train:
        return None
    if unknown := test - train:
        raise InputError(
            f"{root}: test/ has the class {min(unknown)!r}, which train/ lacks; train/ has: "
            f"{', '.join(sorted(train)[:20])}"
        )
    return sorted(train)


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
    tops = {PurePosixPath(path).parts[0] for path in files.paths}
    if files.in_archive or not {"train", "val"} <= tops:
        raise InputError(
            f"{root} is not laid out as ImageNet: a folder with train/<wnid>/*.JPEG and "
            f"val/<wnid>/*.JPEG is expected, found: {', '.join(sorted(tops)[:10])}"
        )
