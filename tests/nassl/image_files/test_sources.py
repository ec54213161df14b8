"""Files that prepared data refer to are read only if they are what was prepared."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from nassl.files import InputError
from nassl.image_files.sources import digest, load_digests, save_digests, unchanged

AGAIN = r"`dvc repro --force --single-item prepare@own` and start the same command again"


def test_digests_come_back(tmp_path):
    digests = [digest(bytes([n])) for n in range(3)]
    assert digests[1] == hashlib.sha256(b"\x01").digest()
    save_digests(tmp_path / "d.npy", digests)
    found = load_digests(tmp_path / "d.npy", 3)
    assert [bytes(row) for row in found] == digests
    save_digests(tmp_path / "none.npy", [])
    assert load_digests(tmp_path / "none.npy", 0).shape == (0, 32)


def test_digests_that_do_not_fit_are_refused(tmp_path):
    save_digests(tmp_path / "d.npy", [digest(b"")])
    with pytest.raises(InputError, match=r"d\.npy holds uint8 \(1, 32\); 2 digests of 32 bytes"):
        load_digests(tmp_path / "d.npy", 2)
    np.save(tmp_path / "floats.npy", np.zeros((2, 32)))
    with pytest.raises(InputError, match=r"floats\.npy holds float64"):
        load_digests(tmp_path / "floats.npy", 2)
    with pytest.raises(InputError, match=r"absent\.npy is missing or not an array .*; run prepare"):
        load_digests(tmp_path / "absent.npy", 2)


def test_an_unchanged_file_is_given(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert unchanged(tmp_path / "a", digest(b"content"), "prepare@own") == b"content"


def test_a_changed_file_is_named_with_both_hashes_and_the_stage(tmp_path):
    (tmp_path / "a").write_bytes(b"contenT")
    before, after = (hashlib.sha256(text).hexdigest() for text in (b"content", b"contenT"))
    with pytest.raises(
        InputError,
        match=rf"a has changed since the data were prepared: its sha256 was {before} and is "
        rf"{after}; put the former file back, or prepare the data as they are now with {AGAIN}",
    ):
        unchanged(tmp_path / "a", digest(b"content"), "prepare@own")


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(
        InputError,
        match=rf"b could be read when .* cannot now \(No such file.*\); put it back, or .*{AGAIN}",
    ):
        unchanged(tmp_path / "b", digest(b""), "prepare@own")
