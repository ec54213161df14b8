"""Crops that a GPU decodes: where they are cut, what is left to Pillow, and where they are refused.

libjpeg decodes here in the place of nvJPEG (tests/cuda has the real one).
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torchvision.io
from PIL import Image

from nassl.data import batches as batches_module
from nassl.data.batches import Batches
from nassl.data.nvjpeg import Encoded, NvJpeg, cut, turned
from nassl.files import InputError
from nassl.image_files import decode
from tests.nassl.data.test_crops import VIEWS, Crops, photograph, prepared_photographs

CPU = torch.device("cpu")


def pixels(content):
    return torchvision.io.decode_jpeg(
        torch.frombuffer(bytearray(content), dtype=torch.uint8), torchvision.io.ImageReadMode.RGB
    )


@pytest.mark.parametrize("orientation", range(9))
def test_an_image_is_turned_as_pillow_turns_it(orientation):
    stored = torch.arange(24, dtype=torch.uint8).reshape(1, 4, 6)
    image = Image.fromarray(stored[0].numpy())
    method = decode.TURNS.get(orientation)
    expected = np.asarray(image if method is None else image.transpose(method))
    assert np.array_equal(turned(stored, orientation)[0], expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_crops_are_those_of_pillow_but_for_rounding(orientation):
    exif = Image.Exif()
    exif[decode.ORIENTATION] = orientation
    content = photograph(300, 200, exif=exif, subsampling=0)
    height, width, said = decode.plain_jpeg(content)
    assert ((height, width), said) == (((300, 200), 6) if orientation == 6 else ((200, 300), 1))
    boxes = [(10, 20, 50, 60), (0, 0, height, width), (100, 33, 90, 140)]
    theirs = decode.crops(content, lambda *size: boxes, 24).astype(int)
    ours = cut(pixels(content), orientation, boxes, 24).permute(0, 2, 3, 1).numpy().astype(int)
    assert np.abs(ours - theirs).max() <= 2


def test_only_plain_jpegs_are_for_a_gpu():
    gray, cmyk, rgb = io.BytesIO(), io.BytesIO(), io.BytesIO()
    picture = Image.open(io.BytesIO(photograph(30, 20)))
    picture.convert("L").save(gray, "JPEG")
    picture.convert("CMYK").save(cmyk, "JPEG")
    picture.save(rgb, "JPEG", keep_rgb=True)
    assert decode.plain_jpeg(gray.getvalue()) == (20, 30, 1)
    for content in (cmyk.getvalue(), rgb.getvalue(), photograph(30, 20, format="PNG")):
        assert decode.plain_jpeg(content) is None


@pytest.fixture
def libjpeg(monkeypatch):
    """Stands in for nvJPEG; gives the sizes of the lists of files that it decoded."""
    asked = []

    def decoded(files, mode, device):
        asked.append(len(files))
        return [original(file, mode) for file in files]

    original = torchvision.io.decode_jpeg
    monkeypatch.setattr(torchvision.io, "decode_jpeg", decoded)
    monkeypatch.setattr(NvJpeg, "__init__", lambda self, device: setattr(self, "device", device))
    return asked


def epoch(images, **given):
    made = Batches(images, torch.arange(12), np.arange(12), 4, 3, crops=Crops(VIEWS, 2), **given)
    return zip(*[batch for _, batch in made.epoch(0)], strict=True)


def test_a_batch_is_the_same_whoever_decodes_it(tmp_path, libjpeg):
    prepared = prepared_photographs(tmp_path, decoder="nvjpeg", png=(3, 4))
    images_too, labels_too = epoch(prepared)
    assert sum(libjpeg) == 10  # of twelve, two are PNG
    squares = Batches(prepared, None, np.arange(12), 4, 3)
    assert sum(1 for _ in squares.epoch(0)) == 3
    prepared.decoder = "pillow"
    images, labels = epoch(prepared)
    assert sum(libjpeg) == 10  # squares are Pillow's in any case
    images, images_too = torch.cat(images).int(), torch.cat(images_too).int()
    assert images.shape == images_too.shape == (12, 2, 3, 24, 24)
    assert torch.equal(torch.cat(labels), torch.cat(labels_too))
    # Pillow's JPEG files are subsampled, which two decoders enlarge differently.
    assert (images - images_too).abs().float().mean() < 3


def test_a_run_on_a_cpu_is_refused(tmp_path):
    images = prepared_photographs(tmp_path, decoder="nvjpeg")
    with pytest.raises(
        InputError, match=r"decoder: nvjpeg, which needs a GPU, and this run computes on cpu; take"
    ):
        epoch(images)
    assert Batches(images, None, np.arange(12), 4, 3)  # squares
    with pytest.raises(InputError, match=r"decoder is 'nvjpeg', but these images are so small"):
        prepared_photographs(tmp_path / "packed", kind="folder", decoder="nvjpeg")


def test_a_file_that_cannot_be_decoded_is_refused(libjpeg):
    broken = Encoded(torch.zeros(9, dtype=torch.uint8), 1, [(0, 0, 1, 1)], 8)
    with pytest.raises(InputError, match=r"nvJPEG cannot decode a batch of 1 files that Pillow"):
        NvJpeg(CPU)([broken])


def test_the_threads_that_decode_are_the_plans_and_change_no_pixel(tmp_path, monkeypatch):
    images = prepared_photographs(tmp_path)
    asked, original = [], batches_module.ThreadPoolExecutor
    monkeypatch.setattr(
        batches_module, "ThreadPoolExecutor", lambda n, **kw: asked.append(n) or original(n, **kw)
    )
    before, made = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            made.append(torch.cat(list(next(epoch(images)))))
    finally:
        torch.set_num_threads(before)
    assert asked == [1, 3]
    assert torch.equal(*made)
