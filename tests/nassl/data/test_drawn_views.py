"""How views are drawn: by statistics of many samples, and repeatably."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from nassl.data import views
from nassl.data.views import PlainView, RandomViews
from nassl.settings import SettingsError, Views
from tests.nassl.data.pictures import ONE, SIMCLR, ZERO, smooth, uint8


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# ---- the same distribution, by statistics of many samples ----


def close_in_mean(ours, theirs, errors=5.0):
    """Means of two samples (N, ...) agree within `errors` standard errors of their difference."""
    ours, theirs = ours.double(), theirs.double()
    noise = (ours.var(0) / len(ours) + theirs.var(0) / len(theirs)).sqrt()
    assert ((ours.mean(0) - theirs.mean(0)).abs() <= errors * noise + 1e-4).all()


@pytest.mark.parametrize(
    ("scale", "ratio", "height", "width"),
    [
        ((0.08, 1.0), (3 / 4, 4 / 3), 32, 32),
        ((0.1, 0.4), (1.5, 2.5), 32, 32),
        ((0.3, 0.6), (1.0, 1.0), 24, 40),
        ((0.9, 1.0), (2.0, 3.0), 32, 32),  # never fits
        ((0.9, 1.0), (0.4, 0.5), 24, 40),
    ],
)
def test_crop_boxes_are_drawn_as_torchvision_draws_them(scale, ratio, height, width):
    count = 2500
    settings = Views(crop="resized", crop_scale=list(scale), crop_ratio=list(ratio))
    ours = torch.stack(views.crop_boxes(4 * count, height, width, settings, "cpu"), dim=1)
    crop, image = v2.RandomResizedCrop(32, scale, ratio), torch.empty(3, height, width)
    drawn = [crop.make_params([image]) for _ in range(count)]
    theirs = torch.tensor([[p["top"], p["left"], p["height"], p["width"]] for p in drawn])

    def moments(boxes):
        top, left, tall, wide = boxes.double().T
        area = tall * wide
        columns = [top, left, tall, wide, area, area**2, top**2, left**2, tall / wide, top * left]
        return torch.stack([*columns, (area < 0.3 * height * width).double()], dim=1)

    close_in_mean(moments(ours), moments(theirs))
    assert (ours[:, 0] + ours[:, 2]).max() <= height
    assert (ours[:, 1] + ours[:, 3]).max() <= width
    assert ours[:, :2].min() >= 0


def test_views_have_the_statistics_of_torchvision():
    """Mean, variance, colourfulness and sharpness over many views of one image, and all pixels."""
    side, image = 16, smooth(16)
    theirs = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.RandomResizedCrop(side, (0.2, 1.0)),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(13, (0.1, 2.0))], 0.5),
        ]
    )
    peers = torch.stack([theirs(image[0]) for _ in range(3000)])
    ours = RandomViews(SIMCLR, ZERO, ONE)(image.expand(12000, -1, -1, -1))

    def statistics(x):
        whole = x.flatten(1)
        chroma = x.amax(1) - x.amin(1)
        steps = (x[..., 1:] - x[..., :-1]).abs()
        scalars = [whole.mean(1), whole.var(1), whole.mean(1) ** 2, (chroma.amax((1, 2)) < 1e-3)]
        scalars += [chroma.mean((1, 2)), steps.mean((1, 2, 3)), steps.mean((1, 2, 3)) ** 2]
        scalars += [
            x[:, 0].mean((1, 2)) * x[:, 1].mean((1, 2)),
            (x[..., 0] - x[..., -1]).mean((1, 2)),
        ]
        return torch.cat([torch.stack([s.float() for s in scalars], 1), whole, whole**2], dim=1)

    close_in_mean(statistics(ours), statistics(peers))


def test_padded_crop_and_flip_reach_every_place_equally():
    image = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    image[:, :, 4, 3] = 255
    settings = Views(crop="padded", padding=2, flip=0.5)
    x = RandomViews(settings, ZERO, ONE)(image.expand(20000, -1, -1, -1))
    seen = x[:, 0].mean(0)
    expected = torch.zeros(8, 8)
    expected[2:7, 1:6] += 0.5 / 25  # column 3, moved by -2..2
    expected[2:7, 2:7] += 0.5 / 25  # mirrored: column 4
    torch.testing.assert_close(seen, expected, atol=0.006, rtol=0)
    assert (seen > 0).equal(expected > 0)


@pytest.mark.parametrize("side", [4, 5])
def test_cutout_erases_the_squares_of_darts(side):
    """Against all centres of DARTS' Cutout: from y - side // 2 to y + side // 2, cut at borders."""
    height, width = 7, 9
    expected = torch.zeros(height, width)
    for y in range(height):
        for x in range(width):
            mask = torch.zeros(height, width)
            mask[max(0, y - side // 2) : y + side // 2, max(0, x - side // 2) : x + side // 2] = 1
            expected += mask / (height * width)
    erased = views.erase(torch.ones(20000, 3, height, width), side) == 0
    assert erased[:, 0].equal(erased[:, 2])
    torch.testing.assert_close(erased[:, 0].float().mean(0), expected, atol=0.015, rtol=0)


# ---- randomness and refusals ----


def test_views_differ_within_a_batch_and_repeat_with_the_seed():
    images, view = smooth(16).expand(32, -1, -1, -1), RandomViews(SIMCLR, ZERO, ONE)
    torch.manual_seed(5)
    first = view(images)
    assert len(torch.unique(first.flatten(1), dim=0)) == 32
    second = view(images)
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(view(images), first)


def test_images_are_left_as_they_are_and_views_are_normalised():
    images = uint8(8, 16)
    before = images.clone()
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    torch.manual_seed(1)
    plain = RandomViews(SIMCLR, ZERO, ONE)(images)
    torch.manual_seed(1)
    normalised = RandomViews(SIMCLR, mean, std)(images)
    assert torch.equal(images, before)
    torch.testing.assert_close(normalised, F.normalize(plain, mean.tolist(), std.tolist()))
    assert plain.min() >= -1e-6
    assert plain.max() <= 1 + 1e-6


def test_nothing_switched_on_is_the_plain_view():
    images = uint8(4, 8)
    assert torch.equal(
        RandomViews(Views(crop="none"), ZERO, ONE)(images), PlainView(ZERO, ONE)(images)
    )


def test_view_size():
    images = uint8(4, 20)
    resized = RandomViews(Views(crop="resized", crop_ratio=[0.5, 2.0], size=12), ZERO, ONE)
    assert resized(images).shape == (4, 3, 12, 12)
    assert RandomViews(Views(crop="none", size=12), ZERO, ONE)(images).shape == (4, 3, 12, 12)
    with pytest.raises(SettingsError, match=r"views\.size is 24.*20x20 pixels"):
        RandomViews(Views(crop="none", size=24), ZERO, ONE)(images)


def test_refused_settings():
    with pytest.raises(
        SettingsError, match=r"views\.crop is 'zoom'; available: resized, padded, none"
    ):
        RandomViews(Views(crop="zoom"), ZERO, ONE)
    with pytest.raises(SettingsError, match="padded crop keeps"):
        RandomViews(Views(crop="padded", padding=4, size=8), ZERO, ONE)
