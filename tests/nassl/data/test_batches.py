from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from nassl.data.batches import AHEAD, Batches
from nassl.data.images import Images
from nassl.files import InputError
from nassl.parallel import path


class Numbered(Images):
    """Images whose pixels are their index."""

    def __init__(self, count, decodes=False, on_read=lambda: None):
        super().__init__({"image_size": 2, "mean": [0] * 3, "std": [1] * 3}, count)
        self.decodes, self.on_read, self.seen = decodes, on_read, []

    def _pixels(self, indices):
        self.on_read()
        self.seen.extend(int(i) for i in indices)
        if (indices == 99).any():
            raise InputError("99.png is broken")
        return np.repeat(indices.astype(np.uint8), 12).reshape(-1, 2, 2, 3)


def drawn(batches, epoch, start=0):
    return [
        (step, b.images[:, 0, 0, 0].tolist(), b.labels) for step, b in batches.epoch(epoch, start)
    ]


@pytest.fixture(params=[False, True], ids=["packed", "decoded"])
def decodes(request):
    return request.param


def test_an_epoch_has_every_index_once_in_an_order_of_seed_and_epoch(decodes):
    indices = np.arange(10, 40)
    batches = Batches(Numbered(50, decodes), None, indices, 8, seed=3, drop_last=False)
    assert len(batches) == 4
    first = drawn(batches, 0)
    assert [step for step, _, _ in first] == [0, 1, 2, 3]
    assert [len(pixels) for _, pixels, _ in first] == [8, 8, 8, 6]
    assert sorted(i for _, pixels, _ in first for i in pixels) == indices.tolist()
    assert drawn(batches, 0) == first
    assert drawn(batches, 1) != first
    assert drawn(Batches(Numbered(50), None, indices, 8, 4, False), 0) != first
    assert drawn(Batches(Numbered(50), None, indices, 8, 3, False), 0) == first


def test_an_epoch_continues_at_any_step(decodes):
    batches = Batches(Numbered(50, decodes), None, np.arange(50), 6, seed=0)
    whole = drawn(batches, 5)
    for start in (0, 1, 7, 8):
        assert drawn(batches, 5, start) == whole[start:]


def test_incomplete_batches_are_dropped_unless_asked_for(decodes):
    images = Numbered(50, decodes)
    assert len(Batches(images, None, np.arange(50), 8, 0)) == len(
        drawn(Batches(images, None, np.arange(50), 8, 0), 0)
    )
    assert len(Batches(images, None, np.arange(50), 8, 0)) == 6


def test_labels_go_with_their_images(decodes):
    labels = torch.arange(100, 150)
    for _, pixels, given in drawn(
        Batches(Numbered(50, decodes), labels, np.arange(5, 30), 4, 0), 0
    ):
        assert (given - 100).tolist() == pixels


def test_without_shuffling_the_order_is_that_of_the_indices(decodes):
    batches = Batches(
        Numbered(50, decodes), None, np.array([4, 9, 2]), 2, 0, drop_last=False, shuffle=False
    )
    assert [pixels for _, pixels, _ in drawn(batches, 3)] == [[4, 9], [2]]


def test_decoding_runs_ahead_but_not_away():
    images = Numbered(200, decodes=True)
    batches = Batches(images, None, np.arange(200), 2, 0, workers=2)
    epoch = batches.epoch(0)
    next(epoch)
    ahead = 2 * (AHEAD + 1)
    deadline = time.monotonic() + 30
    while len(images.seen) < ahead and time.monotonic() < deadline:
        time.sleep(0.001)
    epoch.close()
    assert len(images.seen) == ahead
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


def test_an_image_that_cannot_be_decoded_stops_the_epoch():
    batches = Batches(Numbered(120, decodes=True), None, np.arange(120), 4, 0)
    with pytest.raises(InputError, match=r"99\.png is broken"):
        drawn(batches, 0)


def test_waiting_is_measured(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("nassl.data.batches.time.perf_counter", lambda: clock[0])

    def spend(seconds):
        clock[0] += seconds

    images = Numbered(8, on_read=lambda: spend(3.0))
    batches = Batches(images, None, np.arange(8), 2, 0)
    assert batches.waited_seconds == 0
    for _ in batches.epoch(0):
        spend(1.0)
    assert batches.waited_seconds == 12.0


def test_too_few_images_are_refused():
    with pytest.raises(
        InputError, match=r"5 images do not fill one batch of 8; lower recipe\.batch"
    ):
        Batches(Numbered(50), None, np.arange(5), 8, 0)
    with pytest.raises(InputError, match="0 images do not fill"):
        Batches(Numbered(50), None, np.arange(0), 8, 0, drop_last=False)
    assert len(Batches(Numbered(50), None, np.arange(5), 8, 0, drop_last=False)) == 1


def test_labels_of_other_images_are_refused():
    with pytest.raises(InputError, match="50 images and 40 labels"):
        Batches(Numbered(50), torch.zeros(40), np.arange(5), 2, 0)


class Resident(Numbered):
    """The same, with all pixels on the device."""

    def resident(self, device):
        return torch.from_numpy(self._pixels(np.arange(len(self)))).to(device)


def test_batches_that_a_device_gathers_are_those_of_the_host(monkeypatch):
    labels, part = torch.arange(50) % 7, (1, 2)
    indices = np.arange(3, 45)
    for drop_last, parts in ((False, (0, 1)), (True, part)):
        batches = [
            Batches(made, labels, indices, 8, 5, drop_last, part=parts)
            for made in (Numbered(50), Resident(50))
        ]
        expected = [(s, b.images.clone(), b.labels) for s, b in batches[0].epoch(2, 1)]
        monkeypatch.setattr(path, "forced", True)
        found = list(batches[1].epoch(2, 1))
        monkeypatch.setattr(path, "forced", False)
        assert len(found) == len(expected) == (5 if not drop_last else 4)
        assert len(batches[1].images.seen) == 50  # nothing was read for a batch
        for (step, images, own), (also, batch) in zip(expected, found, strict=True):
            assert step == also
            assert batch.images.stride() == images.stride()
            assert torch.equal(batch.images, images)
            assert torch.equal(batch.labels, own)
