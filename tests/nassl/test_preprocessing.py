"""Whatever an image comes as, the batch is the one that the pipeline makes of it."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nassl.data.images import open_images
from nassl.data.views import PlainView
from nassl.files import InputError
from nassl.image_files.decode import opened_square, square
from nassl.model.facts import Input
from nassl.preprocessing import Preprocess
from stages.prepare.__main__ import prepare

SIDE, CROP = 12, 10
MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
ORIENTATION = 0x0112


@pytest.fixture
def preprocess():
    return Preprocess(Input(SIDE, CROP, MEAN, DEVIATION))


def noise(height, width, channels=3):
    """Smooth enough for JPEG, different everywhere."""
    coarse = np.random.default_rng(height * 1000 + width).integers(0, 256, (6, 7, channels))
    image = Image.fromarray(coarse.astype(np.uint8).squeeze())
    return image.resize((width, height), Image.Resampling.BICUBIC)


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def write_images(folder: Path) -> list[Path]:
    """Files of many kinds and sizes, one of the size that is prepared."""
    folder.mkdir()
    noise(30, 21).save(folder / "a.png")
    noise(200, 300).save(folder / "b.jpg", quality=95)  # decoded smaller by `square`
    noise(50, 31).save(folder / "c.jpg", exif=turned(6))
    noise(50, 31).save(folder / "d.tif", exif=turned(8))
    noise(20, 40).convert("L").save(folder / "e.png")
    noise(20, 40).convert("P").save(folder / "f.gif")
    noise(33, 20, 4).save(folder / "g.png")  # transparent here and there
    deep = np.linspace(0, 4095, 400).astype(np.uint16).reshape(20, 20)
    Image.fromarray(deep).save(folder / "h.png")
    noise(SIDE, SIDE).save(folder / "i.png")
    noise(5, 7).save(folder / "j.webp", lossless=True, exif=turned(3))
    return sorted(folder.iterdir())


@pytest.fixture
def prepared(tmp_path, run_of):
    """(files, the normalised batch that the pipeline evaluates, rows in the order of the files)"""
    files = write_images(tmp_path / "raw")
    data = {"kind": "folder", "image_size": SIDE, "root": str(tmp_path / "raw")}
    run = run_of("prepare", "own", {"data.own": data, "prepare.own": {"data": "own"}})
    prepare(run, Namespace(), tmp_path / "prepared")
    images = open_images(tmp_path / "prepared" / "images", "label-free")
    pixels = images.batch(range(len(images)))
    # The order is that of the files' hashes.
    by_bytes = {bytes(row.permute(1, 2, 0).numpy().tobytes()): i for i, row in enumerate(pixels)}
    rows = [by_bytes[square(file.read_bytes(), SIDE).tobytes()] for file in files]
    assert sorted(rows) == list(range(len(files)))
    view = PlainView(torch.tensor(MEAN), torch.tensor(DEVIATION), CROP)
    return files, view(pixels[rows])


def test_files_opened_with_pillow_give_the_prepared_input(prepared, preprocess):
    files, expected = prepared
    found = preprocess([Image.open(file) for file in files])
    assert (found.shape, found.dtype) == ((len(files), 3, CROP, CROP), torch.float32)
    assert torch.equal(found, expected)
    assert torch.equal(preprocess(Image.open(files[0])), expected[:1])
    assert torch.equal(preprocess(tuple(map(Image.open, files[:2]))), expected[:2])


def test_decoded_images_give_the_prepared_input_but_for_reduced_jpegs(prepared, preprocess):
    files, expected = prepared
    images = [Image.open(file) for file in files]
    for image in images:
        image.load()
    differ = [
        file.name
        for file, image, right in zip(files, images, expected, strict=True)
        if not torch.equal(preprocess(image)[0], right)
    ]
    assert differ == ["b.jpg"]
    large = preprocess(images[1])[0]
    assert (large - expected[1]).abs().mean() < 0.1  # of values from -2 to 3


def test_tensors_of_any_size_give_what_pil_images_give(prepared, preprocess):
    files, expected = prepared
    for number, name in ((0, "a.png"), (8, "i.png")):
        assert files[number].name == name
        pixels = torch.from_numpy(np.array(Image.open(files[number])))  # (H, W, 3)
        batch = pixels.permute(2, 0, 1)[None]
        for given in (batch, batch.contiguous()):
            before = given.clone()
            assert torch.equal(preprocess(given)[0], expected[number])
            assert torch.equal(given, before)


def test_the_image_given_is_left_as_it_is(tmp_path, preprocess):
    noise(200, 300).save(tmp_path / "b.jpg", quality=95)
    with Image.open(tmp_path / "b.jpg") as image:
        first, again = preprocess(image), preprocess(image)
        assert torch.equal(first, again)
        assert image.size == (300, 200)
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(tmp_path / "b.jpg")))


def test_the_frame_that_an_animation_is_at_counts():
    frames, file = [noise(20, 20), noise(21, 20).resize((20, 20))], io.BytesIO()
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    image = Image.open(file)
    for number in (0, 1, 0):
        image.seek(number)
        assert np.array_equal(opened_square(image, 20), np.asarray(frames[number]))


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (torch.zeros(2, 3, 4, 4), r"a tensor of torch\.float32 \(2, 3, 4, 4\); allowed: a PIL"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), r"torch\.uint8 \(3, 4, 4\).*an axis for the im"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), r"torch\.uint8 \(2, 4, 4, 3\); allowed: a P"),
        (torch.zeros(0, 3, 4, 4, dtype=torch.uint8), r"torch\.uint8 \(0, 3, 4, 4\); allowed: a P"),
        (np.zeros((2, 3, 4, 4), np.uint8), r"images are a numpy\.ndarray; allowed: a PIL image"),
        ([], r"images are empty; allowed: a PIL image"),
        (["a.png"], r"image 0 is a str; allowed: .*; open files with PIL\.Image\.open"),
        ([Image.new("RGB", (0, 3))], r"image 0 cannot be decoded: .*; allowed: a whole image"),
    ],
)
def test_what_is_no_image_is_refused(preprocess, images, text):
    with pytest.raises(InputError, match=text):
        preprocess(images)


def test_a_truncated_file_is_named(tmp_path, preprocess):
    noise(64, 64).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.jpg cannot be decoded: .*truncated"):
        preprocess([Image.open(tmp_path / "whole.jpg"), Image.open(tmp_path / "cut.jpg")])
