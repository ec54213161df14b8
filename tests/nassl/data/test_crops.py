"""Random crops are torchvision's of the whole original image, decoded once."""

from __future__ import annotations

import io
from argparse import Namespace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

from nassl.data import crops
from nassl.data.batches import Batches
from nassl.data.crops import Crops, crops_of
from nassl.data.images import open_images
from nassl.data.views import PlainView, RandomViews, twice
from nassl.image_files import decode
from nassl.settings import DATASETS, Views
from stages.prepare.__main__ import prepare
from stages.runs.run import Run

VIEWS = Views("resized", crop_scale=[0.08, 1.0], crop_ratio=[0.75, 4 / 3], size=24)
ZERO, ONE = torch.zeros(3), torch.ones(3)


def photograph(width, height, seed=0, grain=8, **save):
    """The bytes of a picture with structure of `grain` pixels."""
    random = np.random.default_rng(seed)
    size = height // grain + 1, width // grain + 1, 3
    pixels = random.integers(0, 256, size, dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, **({"format": "JPEG", "quality": 92} | save))
    return file.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_crops_equal_torchvisions_of_the_original_image_pixel_by_pixel(format):
    content = photograph(500, 375, format=format)
    original = Image.open(io.BytesIO(content))
    views = Views("resized", crop_scale=[0.08, 1.0], crop_ratio=[0.75, 4 / 3], size=224)
    for image in range(5):
        drawn = Crops(views, 2).boxes(375, 500, 1, 0, image)
        found = decode.crops(content, lambda *_, drawn=drawn: drawn, 224)
        for box, view in zip(drawn, found, strict=True):
            theirs = F.resized_crop(original, *box, [224, 224])
            assert np.array_equal(view, np.asarray(theirs))


def test_a_large_jpeg_is_decoded_smaller_where_no_crop_needs_its_pixels(monkeypatch):
    content = photograph(1600, 1200, grain=100)
    asked, original = [], decode.picture
    monkeypatch.setattr(
        decode, "picture", lambda c, **kw: asked.append(original(c, **kw)) or asked[-1]
    )
    large, small = [(0, 400, 1200, 1200), (150, 300, 800, 900)], (10, 20, 130, 130)
    reduced = decode.crops(content, lambda height, width: large, 64)
    assert asked[0].size == (400, 300)  # 200 and more pixels a side remain
    for box, view in zip(large, reduced, strict=True):
        exact = np.asarray(F.resized_crop(Image.open(io.BytesIO(content)), *box, [64, 64]))
        assert np.abs(view.astype(int) - exact).mean() < 1
    decode.crops(content, lambda height, width: [large[0], small], 64)
    assert asked[1].size == (1600, 1200)


def test_boxes_are_of_the_picture_as_it_is_turned():
    exif = Image.Exif()
    exif[decode.ORIENTATION] = 6
    content = photograph(300, 200, exif=exif)
    seen = []
    decode.crops(content, lambda height, width: seen.append((height, width)) or [(0, 0, 9, 9)], 8)
    assert seen == [(300, 200)]
    assert decode.picture(content).size == (200, 300)


def test_boxes_depend_on_seed_epoch_and_image_alone():
    cut = Crops(VIEWS, 2)
    first = cut.boxes(300, 400, 0, 0, 7)
    torch.rand(5)  # the global generator is left alone, and has no say
    assert cut.boxes(300, 400, 0, 0, 7) == first
    assert len({tuple(cut.boxes(300, 400, *key)) for key in ((0, 0, 7), (1, 0, 7), (0, 1, 7),
                                                              (0, 0, 8))}) == 4  # fmt: skip
    assert first[0] != first[1]
    assert crops_of(Views("padded", padding=4), 2) is None


def prepared_photographs(folder, kind="imagenet", png=(), **settings):
    """Twelve photographs, the training images of prepared data; indexed, unless of kind folder."""
    root, out = folder / "photographs", folder / "prepared"
    for part in ("train", "val"):
        (root / part / "n0").mkdir(parents=True)
        (root / part / "n1").mkdir(parents=True)
        for number in range(12):
            file = root / part / f"n{number % 2}" / f"{number}.JPEG"
            seed = number + 100 * (part == "val")
            written = {"format": "PNG"} if number in png else {}
            file.write_bytes(photograph(60, 40, seed=seed, **written))
    data = DATASETS[kind](kind, image_size=32, root=str(root), **settings)
    prepare(Run("prepare", "x", None, {"data": data}, None, ()), Namespace(), out)
    return open_images(out / "images", "train")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return prepared_photographs(tmp_path_factory.mktemp("data"))


def epoch(images, number=0, start=0, **given):
    made = Batches(images, None, np.arange(12), 4, 3, crops=Crops(VIEWS, 2), **given)
    return [batch.images for _, batch in made.epoch(number, start)]


def test_a_batch_holds_two_crops_of_each_image_however_it_is_made(photographs, monkeypatch):
    whole = epoch(photographs)
    assert [x.shape for x in whole] == [(4, 2, 3, 24, 24)] * 3
    assert torch.equal(torch.cat(epoch(photographs, workers=1)), torch.cat(whole))
    assert torch.equal(torch.cat(epoch(photographs, start=1)), torch.cat(whole[1:]))
    halves = [epoch(photographs, part=(number, 2)) for number in range(2)]
    shared = [torch.cat(pair) for pair in zip(*halves, strict=True)]
    assert torch.equal(torch.cat(shared), torch.cat(whole))
    assert not torch.equal(torch.cat(epoch(photographs, 1)), torch.cat(whole))
    read = []
    original = decode.picture
    monkeypatch.setattr(decode, "picture", lambda c, **kw: read.append(0) or original(c, **kw))
    epoch(photographs)
    assert len(read) == 12  # each image once for both of its views


def test_views_of_cropped_images_are_only_flipped_and_coloured(photographs):
    (x, *_) = epoch(photographs)
    pairs = twice(x)
    assert pairs.shape == (8, 1, 3, 24, 24)
    assert torch.equal(pairs[:4, 0], x[:, 0])
    assert torch.equal(pairs[4:, 0], x[:, 1])
    plain = PlainView(ZERO, ONE)
    torch.testing.assert_close(RandomViews(VIEWS, ZERO, ONE)(pairs), plain(pairs[:, 0]))
    assert torch.equal(twice(x[:, 0]), torch.cat([x[:, 0], x[:, 0]]))


def test_crops_reach_what_lies_outside_the_centre_square():
    boxes = [Crops(VIEWS, 1).boxes(375, 500, 0, 0, image)[0] for image in range(400)]
    assert sum(left < 62 or left + wide > 438 for _, left, _, wide in boxes) > 200
    sides = [(tall * wide) ** 0.5 for _, _, tall, wide in boxes]
    assert min(sides) > 120  # 8 % of 500 x 375: 122; of the square at 256 pixels: 72
    assert crops.STREAM
