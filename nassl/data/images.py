"""Opens what `prepare` wrote: images, labels, and the recorded orders that splits are cut from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from nassl.files import InputError, read_json
from nassl.image_files.sources import load_digests, prepare_again, unchanged
from nassl.image_files.walk import listing, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nassl.data.crops import Box, Crops
    from nassl.data.nvjpeg import Encoded

PARTS = ("train", "test", "unlabeled")
# Bytes of packed images that a GPU holds, at most: STL-10's 100,000 unlabeled ones are 2.8e9.
RESIDENT = 2**32

Made = TypeVar("Made")  # of an image's bytes


class Images:
    """One part of a prepared data set.

    `count` images of `side` x `side` pixels; `mean` and `std` are the (3,) channel statistics of
    the data set's label-free training part, for pixels in [0, 1]. `decodes` says that a batch
    costs decoding, so that it pays to make it ahead of time; `decoder` who decodes what random
    crops are cut from: pillow or nvjpeg.
    """

    decodes = False
    decoder = "pillow"

    def __init__(self, manifest: dict[str, Any], count: int) -> None:
        self.count = count
        self.side = int(manifest["image_size"])
        self.mean = torch.tensor(manifest["mean"], dtype=torch.float32)
        self.std = torch.tensor(manifest["std"], dtype=torch.float32)

    def __len__(self) -> int:
        return self.count

    def batch(self, indices: Sequence[int] | np.ndarray | torch.Tensor) -> torch.Tensor:
        """uint8 (B, 3, side, side), in memory as (B, H, W, 3): channels_last."""
        return torch.from_numpy(self._pixels(np.asarray(indices))).permute(0, 3, 1, 2)

    def cropped(self, index: int, crops: Crops, seed: int, epoch: int) -> torch.Tensor:
        """uint8 (1, N, 3, S, S): the N crops of an image in an epoch, of images that `decodes`."""
        raise NotImplementedError

    def encoded(self, index: int, crops: Crops, seed: int, epoch: int) -> Encoded | torch.Tensor:
        """The same for `nvjpeg.NvJpeg`: the file with its crops, or the crops themselves of a file
        that is left to Pillow."""
        raise NotImplementedError

    def resident(self, device: torch.device) -> torch.Tensor | None:
        """All pixels, uint8 (N, side, side, 3), on a device; None if they are not kept there."""
        return None

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class PackedImages(Images):
    """Small data: one uint8 array (N, H, W, 3), mapped from disk."""

    def __init__(self, manifest: dict[str, Any], file: Path) -> None:
        self._array = load_array(file)
        count, side = manifest["counts"][file.stem], manifest["image_size"]
        if self._array.shape != (count, side, side, 3) or self._array.dtype != np.uint8:
            raise InputError(
                f"{file} holds {self._array.dtype} {self._array.shape}; its manifest says uint8 "
                f"{(count, side, side, 3)}; run prepare again"
            )
        super().__init__(manifest, count)
        self._resident: dict[torch.device, torch.Tensor] = {}

    def resident(self, device: torch.device) -> torch.Tensor | None:
        """Copied there once; None if they take more than RESIDENT bytes."""
        if self._array.nbytes > RESIDENT:
            return None
        if device not in self._resident:
            self._resident[device] = torch.from_numpy(np.array(self._array)).to(device)
        return self._resident[device]

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        return self._array[indices]


class IndexedImages(Images):
    """Large data: paths of image files, decoded when asked for.

    An image comes as its centre square at `side` pixels (see `decode.square`), of which a plain
    view is the centre: with the usual 256 and 224, ImageNet's test view. Random resized crops are
    cut from the whole original image (`cropped`).
    """

    decodes = True

    def __init__(self, manifest: dict[str, Any], file: Path) -> None:
        self._root, self._maker = Path(manifest["root"]), manifest.get("maker", "prepare@<run>")
        self.decoder = manifest.get("decoder", self.decoder)
        # Not splitlines: a file name may hold other characters that it would split at.
        self._paths = file.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1]
        self._digests = load_digests(file.with_name(f"sha256-{file.stem}.npy"), len(self._paths))
        if not self._root.is_dir():
            raise InputError(
                f"{file.parent / 'manifest.json'} says that the images are under {self._root}, "
                "which is missing; put them back, or set data.root and run prepare again"
            )
        there = walk(self._root).paths
        if listing(there) != manifest.get("listing"):
            raise InputError(self._changed(there))
        super().__init__(manifest, len(self._paths))

    def _changed(self, there: list[str]) -> str:
        """What to say about files that were added, renamed, moved or removed."""
        missing = sorted(set(self._paths) - set(there))
        found = f"{missing[0]} is missing, for example" if missing else "there are other files"
        return (
            f"{self._root} is not the folder that was prepared: {found} (it has {len(there)} images"
            f" now); put the former files back, or {prepare_again(self._maker)}"
        )

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        from nassl.image_files.decode import square

        pixels = np.empty((len(indices), self.side, self.side, 3), np.uint8)
        for row, index in enumerate(indices):
            pixels[row] = self._decoded(index, lambda content: square(content, self.side))
        return pixels

    def cropped(self, index: int, crops: Crops, seed: int, epoch: int) -> torch.Tensor:
        """In memory channels_last."""

        def boxes(height: int, width: int) -> list[Box]:
            return crops.boxes(height, width, seed, epoch, int(index))

        side = crops.views.size or self.side
        return self._decoded(index, lambda content: _cropped(content, boxes, side))

    def encoded(self, index: int, crops: Crops, seed: int, epoch: int) -> Encoded | torch.Tensor:
        from nassl.data.nvjpeg import Encoded
        from nassl.image_files.decode import plain_jpeg

        side = crops.views.size or self.side

        def boxes(height: int, width: int) -> list[Box]:
            return crops.boxes(height, width, seed, epoch, int(index))

        def read(content: bytes) -> Encoded | torch.Tensor:
            if (plain := plain_jpeg(content)) is None:
                return _cropped(content, boxes, side)
            height, width, orientation = plain
            file = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            return Encoded(file, orientation, boxes(height, width), side)

        return self._decoded(index, read)

    def _decoded(self, index: int, decode: Callable[[bytes], Made]) -> Made:
        from nassl.image_files.decode import UnreadableImage

        path = self._root / self._paths[index]
        content = unchanged(path, bytes(self._digests[index]), self._maker)
        try:
            return decode(content)
        except UnreadableImage as error:  # another version of Pillow, or out of memory
            raise InputError(
                f"{path} could be read when the data were prepared and cannot now: {error}; "
                "run prepare again"
            ) from error


def _cropped(content: bytes, boxes: Callable[[int, int], list[Box]], side: int) -> torch.Tensor:
    """uint8 (1, N, 3, side, side)."""
    from nassl.image_files.decode import crops

    return torch.from_numpy(crops(content, boxes, side)).permute(0, 3, 1, 2)[None]


def load_array(file: Path) -> np.ndarray:
    """A .npy file mapped read-only (small ones read); never unpickles. Raises InputError."""
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{file} is missing; run prepare") from error
    except ValueError as error:
        raise InputError(f"{file} is not an array ({error}); run prepare again") from error


def label_free_part(folder: Path) -> str:
    """The part that label-free stages train on: `unlabeled` if there is one, else `train`."""
    counts = images_manifest(folder)["counts"]
    return "unlabeled" if counts.get("unlabeled") else "train"


def open_images(folder: Path, part: str) -> Images:
    """The images of `part`: train, test, unlabeled or label-free (see `label_free_part`).

    Raises InputError if the folder was not written by prepare or lacks the part.
    """
    manifest = images_manifest(folder)
    if part == "label-free":
        part = label_free_part(folder)
    if not manifest["counts"].get(part):
        raise InputError(
            f"{folder} has no {part!r} images; it has: "
            f"{', '.join(f'{name} ({n})' for name, n in manifest['counts'].items())}"
            + ("; data.test_fraction draws a test part" if part == "test" else "")
        )
    if manifest["format"] == "indexed":
        return IndexedImages(manifest, folder / f"{part}.txt")
    return PackedImages(manifest, folder / f"{part}.npy")


def images_manifest(folder: Path) -> dict[str, Any]:
    """What prepare says of the images in `folder`. Raises InputError if it did not write them."""
    manifest = read_json(folder / "manifest.json")
    for key in ("counts", "format", "image_size", "kind", "mean", "std"):
        if not isinstance(manifest, dict) or key not in manifest:
            raise InputError(
                f"{folder / 'manifest.json'} has no {key!r}: it does not describe prepared images; "
                "give the prepared `images` folder, or run prepare again"
            )
    return manifest


def _labels_manifest(folder: Path) -> dict[str, Any]:
    manifest = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict):
        raise InputError(f"{folder / 'manifest.json'} is not a mapping; run prepare again")
    if manifest.get("labels") is None:
        raise InputError(
            f"{folder} holds no labels; this run needs them: give it the prepared `labels` folder "
            "of data that has classes"
        )
    return manifest


def open_labels(folder: Path, part: str) -> torch.Tensor:
    """int64 (N,) class indices of `part`: train or test. Raises InputError if there are none."""
    manifest = _labels_manifest(folder)
    if part not in manifest["labels"]:
        raise InputError(
            f"{folder} has no labels of {part!r}; it has: {', '.join(manifest['labels'])}"
        )
    return torch.from_numpy(np.array(load_array(folder / f"{part}.npy")))


def class_names(folder: Path) -> list[str]:
    """Names in the order of the class indices. Raises InputError if there are no labels."""
    return list(_labels_manifest(folder)["classes"])


def split(
    folder: Path, validation_fraction: float, part: str = "label-free"
) -> tuple[np.ndarray, np.ndarray]:
    """(train indices, validation indices) of `part`, cut from its recorded order; reads no label.

    The last `validation_fraction` of the order is the validation share, so that a run that trains
    and a run that scores with the same fraction agree about it. A fraction above 0 gives at least
    one validation image.
    """
    if part == "label-free":
        part = label_free_part(folder)
    named = "order.npy" if part == label_free_part(folder) else f"order-{part}.npy"
    order = np.array(load_array(folder / named))
    held_out = round(len(order) * validation_fraction)
    if validation_fraction > 0:
        held_out = max(held_out, 1)
    if held_out >= len(order):
        raise InputError(
            f"a validation fraction of {validation_fraction} leaves none of the {len(order)} "
            f"images of {folder} to train on; choose a smaller one"
        )
    return order[: len(order) - held_out], order[len(order) - held_out :]


def labelled_share(folder: Path, fraction: float) -> np.ndarray:
    """Indices of the stratified `fraction` of the training labels (0 < fraction <= 1).

    Raises InputError if a class would be left without a label.
    """
    names, order = class_names(folder), np.array(load_array(folder / "stratified.npy"))
    share = order[: round(len(order) * fraction)]
    present = np.unique(open_labels(folder, "train").numpy()[share])
    if len(present) < len(names):
        missing = names[min(set(range(len(names))) - set(present.tolist()))]
        raise InputError(
            f"{fraction} of the {len(order)} labels in {folder} are {len(share)}, and class "
            f"{missing!r} is not among them; use a larger fraction"
        )
    return share
