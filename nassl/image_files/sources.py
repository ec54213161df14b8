"""The user's files that prepared data refer to: read only if they have not changed since.

`prepare` records the SHA-256 of every file that it lists and does not copy. Later reads go through
`unchanged`, which hashes the bytes that it returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nassl.files import InputError

DIGEST = 32  # bytes of a SHA-256


def digest(content: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(content).digest()


def save_digests(file: Path, digests: Sequence[bytes]) -> None:
    """Writes N digests of 32 bytes, in the order of a list of files, as uint8 (N, 32): `.npy`."""
    flat = np.frombuffer(b"".join(digests), np.uint8)
    np.save(file, flat.reshape(len(digests), DIGEST))


def load_digests(file: Path, count: int) -> np.ndarray:
    """uint8 (count, 32), mapped from disk: `bytes(found[i])` is the i-th digest.

    Raises InputError if they are missing or their number differs.
    """
    try:
        found = np.load(file, mmap_mode="r" if count else None, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} is missing or not an array ({error}); run prepare again"
        ) from error
    if found.shape != (count, DIGEST) or found.dtype != np.uint8:
        raise InputError(
            f"{file} holds {found.dtype} {found.shape}; {count} digests of {DIGEST} bytes are "
            "expected; run prepare again"
        )
    return found


def unchanged(path: Path, expected: bytes, maker: str) -> bytes:
    """The bytes of `path`, which `maker` (prepare@<run>) saw with the SHA-256 `expected`.

    Raises InputError if the file is gone, unreadable, or has changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} could be read when the data were prepared and cannot now "
            f"({error.strerror or error}); put it back, or {prepare_again(maker)}"
        ) from error
    if (found := digest(content)) != expected:
        raise InputError(
            f"{path} has changed since the data were prepared: its sha256 was {expected.hex()} and "
            f"is {found.hex()}; put the former file back, or {prepare_again(maker)}"
        )
    return content


def prepare_again(maker: str) -> str:
    """What to do about changed files, as the end of a sentence."""
    return (
        f"prepare the data as they are now with `dvc repro --force --single-item {maker}` and "
        "start the same command again"
    )
