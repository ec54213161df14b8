from __future__ import annotations

import colorsys
import itertools

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from nassl.data import colour, resampling, views
from nassl.data.views import PlainView, RandomViews
from nassl.parallel import path
from nassl.settings import Views
from tests.nassl.data.pictures import ONE, SIMCLR, ZERO, doubles, smooth, uint8


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# ---- the same parameters give torchvision's result ----


@pytest.mark.parametrize(("height", "width", "size"), [(32, 32, 32), (17, 23, 32), (40, 33, 12)])
def test_crop_resize_and_flip_equal_torchvision(height, width, size):
    x = doubles(6, 3, height, width)
    tall, wide = torch.randint(1, height + 1, (6,)), torch.randint(1, width + 1, (6,))
    top = (torch.rand(6) * (height - tall + 1)).long()
    left = (torch.rand(6) * (width - wide + 1)).long()
    flips = torch.tensor([True, False, True, False, True, False])
    boxes = [value.double() for value in (top, left, tall, wide)]
    ours = resampling.resample(x, *boxes, size, flips)
    for i in range(6):
        box = [int(value[i]) for value in (top, left, tall, wide)]
        theirs = F.resized_crop(x[i], *box, [size, size], antialias=True)
        theirs = F.horizontal_flip(theirs) if flips[i] else theirs
        torch.testing.assert_close(ours[i], theirs, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (9, 14)])
def test_blur_equals_torchvision(height, width):
    x, sigma = doubles(4, 3, height, width), torch.tensor([0.1, 0.7, 1.3, 2.0]).double()
    ours = resampling.blur(x, sigma, 6)
    for i in range(4):
        theirs = F.gaussian_blur(x[i], [13, 13], [float(sigma[i])] * 2)
        torch.testing.assert_close(ours[i], theirs, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("side", "share", "taps"), [(32, 0.1, 3), (224, 0.1, 23), (96, 0.1, 9),
                                                     (16, 0.1, 1), (32, 0.0, 13)])  # fmt: skip
def test_width_of_the_blurs_kernel_is_simclrs_or_as_wide_as_the_sigma_asks(side, share, taps):
    """SimCLR's code: radius int((side // 10) / 2), 2 * radius + 1 taps."""
    settings = Views(crop="none", blur=1.0, blur_sigma=[2.0, 2.0], blur_kernel=share)
    point = torch.zeros(1, 3, side, side, dtype=torch.uint8)
    point[:, :, side // 2, side // 2] = 255
    spread = RandomViews(settings, ZERO, ONE)(point)[0, 0, side // 2]
    assert int((spread > 0).sum()) == taps
    if taps == 3:  # sigma 2 cut to 3 taps: weights 0.319, 0.362, 0.319; deviation 0.8
        offsets = torch.arange(side) - side // 2
        deviation = (spread / spread.sum() * offsets**2).sum().sqrt()
        assert float(deviation) == pytest.approx(0.8, abs=0.01)


def test_moco_v1_takes_the_colours_away_before_it_changes_them(monkeypatch):
    """MoCo v1: RandomGrayscale, then ColorJitter; v2 and SimCLR the other way round. Gray times any
    saturation is gray; coloured times saturation, then gray, keeps what the saturation did."""
    order = []
    jitter, gray = views.jitter, views.grayscale
    monkeypatch.setattr(views, "jitter", lambda x, *a: order.append("jitter") or jitter(x, *a))
    monkeypatch.setattr(views, "grayscale", lambda x: order.append("gray") or gray(x))
    for first, expected in ((True, ["gray", "jitter"]), (False, ["jitter", "gray"])):
        order.clear()
        settings = Views("none", jitter=1.0, hue=0.4, grayscale=1.0, grayscale_first=first)
        RandomViews(settings, ZERO, ONE)(uint8(4, 8))
        assert order == expected


def test_blur_of_a_small_image_keeps_its_kernel_inside():
    x = doubles(2, 3, 4, 4)
    ours = resampling.blur(x, torch.tensor([1.5, 0.3]).double(), 6)
    torch.testing.assert_close(
        ours[0], F.gaussian_blur(x[0], [7, 7], [1.5, 1.5]), atol=1e-9, rtol=0
    )


def test_colour_changes_equal_torchvision_in_every_order():
    orders = torch.stack([torch.randperm(4) for _ in range(64)])
    x, factors = doubles(64, 3, 5, 7), 0.2 + 1.6 * doubles(64, 3)
    shifts = doubles(64) - 0.5
    x[0] = 0.5  # no colour: the hue is undefined, and nothing turns
    x[1, :, 0, 0] = 0
    functions = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation]
    ours = colour.change(x.clone(), orders, factors, shifts)
    for i in range(64):
        theirs = x[i]
        for kind in orders[i].tolist():
            if kind == colour.HUE:
                theirs = F.adjust_hue(theirs, float(shifts[i]))
            else:
                theirs = functions[kind](theirs, float(factors[i, kind]))
        # Torchvision's own hue is exact to 1e-6 only, see the next test.
        torch.testing.assert_close(ours[i], theirs, atol=1e-5, rtol=0)


def test_hue_equals_a_pixel_by_pixel_turn():
    x, shifts = doubles(8, 3, 4, 4), doubles(8) - 0.5
    x[0, :, 0, 0] = torch.tensor([0.3, 0.3, 0.3])
    x[0, :, 0, 1] = torch.tensor([0.7, 0.7, 0.1])
    x[0, :, 0, 2] = torch.tensor([0.0, 0.5, 0.5])
    ours = colour.turn_hue(x, shifts)
    for i, row, column in itertools.product(range(8), range(4), range(4)):
        hue, saturation, value = colorsys.rgb_to_hsv(*x[i, :, row, column].tolist())
        turned = colorsys.hsv_to_rgb((hue + float(shifts[i])) % 1, saturation, value)
        assert ours[i, :, row, column].tolist() == pytest.approx(turned, abs=1e-12)


def test_grayscale_equals_torchvision():
    x = doubles(2, 3, 6, 5)
    torch.testing.assert_close(colour.grayscale(x), F.rgb_to_grayscale(x), atol=1e-12, rtol=0)


def test_shift_equals_pad_and_crop():
    x = doubles(5, 3, 8, 6)
    top, left = torch.randint(-4, 5, (2, 5))
    ours = views.shift(x, top, left)
    for i in range(5):
        padded = F.pad(x[i], [4, 4])
        theirs = F.crop(padded, int(top[i]) + 4, int(left[i]) + 4, 8, 6)
        assert torch.equal(ours[i], theirs)


def test_plain_view_only_scales_and_normalises():
    images, mean, std = uint8(4, 8), torch.tensor([0.1, 0.4, 0.5]), torch.tensor([0.2, 0.3, 0.4])
    theirs = F.normalize(images.float() / 255, mean.tolist(), std.tolist())
    torch.testing.assert_close(PlainView(mean, std)(images), theirs)
    torch.testing.assert_close(PlainView(mean, std, 4)(images), theirs[:, :, 2:6, 2:6])


# ---- the same distribution, by statistics of many samples ----


def test_every_order_of_the_four_changes_is_drawn(monkeypatch):
    orders = []
    monkeypatch.setattr(colour, "change", lambda x, order, *rest: orders.append(order))
    colour.jitter(torch.rand(4800, 3, 1, 1), 0.8, 0.4, 0.4, 0.4, 0.1)
    counts = torch.unique(orders[0], dim=0, return_counts=True)[1]
    assert len(counts) == 24
    assert counts.min() > 130
    assert counts.max() < 270


def test_jitter_falls_on_its_share_of_the_images_with_uniform_factors(monkeypatch):
    drawn = []
    monkeypatch.setattr(colour, "change", lambda x, *rest: drawn.append(rest))
    colour.jitter(torch.rand(8000, 3, 1, 1), 0.6, 0.4, 2.0, 0.5, 0.1)
    _, factors, shifts = drawn[0]
    jittered = shifts != 0
    assert abs(jittered.float().mean() - 0.6) < 0.03
    assert (factors[~jittered] == 1).all()
    factors = factors[jittered]
    low, high = torch.tensor([0.6, 0.0, 0.5]), torch.tensor([1.4, 3.0, 1.5])
    torch.testing.assert_close(factors.mean(0), (low + high) / 2, atol=0.06, rtol=0)
    torch.testing.assert_close(factors.std(0), (high - low) / 12**0.5, atol=0.03, rtol=0)
    assert (factors.min(0).values >= low).all()
    assert (factors.max(0).values <= high).all()
    assert shifts.abs().max() <= 0.1
    assert abs(shifts.mean()) < 0.005


def test_blur_falls_on_its_share_of_the_images_with_a_uniform_sigma(monkeypatch):
    drawn = []
    monkeypatch.setattr(views, "blur", lambda x, sigma, radius: drawn.append(sigma) or x)
    settings = Views(crop="none", blur=0.3, blur_sigma=[1.0, 1.6])
    RandomViews(settings, ZERO, ONE)(uint8(1, 2).expand(8000, -1, -1, -1))
    sigma = drawn[0]
    assert abs(len(sigma) / 8000 - 0.3) < 0.03
    assert sigma.min() >= 1.0
    assert sigma.max() <= 1.6
    assert abs(sigma.mean() - 1.3) < 0.02
    assert abs(sigma.std() - 0.6 / 12**0.5) < 0.01


# ---- randomness and refusals ----


def test_a_batch_of_which_no_image_is_blurred_or_jittered():
    """With few images it happens that no image is changed."""
    settings = Views("none", jitter=1e-9, brightness=0.5, hue=0.1, grayscale=1e-9, blur=1e-9)
    images = torch.full((2, 3, 8, 8), 51, dtype=torch.uint8)
    x = RandomViews(settings, torch.zeros(3), torch.ones(3))(images)
    torch.testing.assert_close(x, torch.full((2, 3, 8, 8), 0.2))


# ---- the way of a GPU: everything is computed, nothing is asked ----


def test_colours_of_all_images_are_changed_as_those_of_some(monkeypatch):
    """Bit for bit, in every order of the four changes and with images that are left alone."""
    orders = torch.tensor(list(itertools.permutations(range(4))))
    x = torch.rand(len(orders), 3, 5, 4)
    factors = 0.5 + torch.rand(len(orders), 3)
    shifts = torch.rand(len(orders)) - 0.5
    factors[::3], shifts[::3] = 1, 0
    expected = colour.change(x.clone(), orders, factors, shifts)
    monkeypatch.setattr(path, "forced", True)
    assert torch.equal(colour.change(x.clone(), orders, factors, shifts), expected)


@pytest.mark.parametrize("change", ["grayscale", "blur"])
def test_a_change_of_all_images_or_of_none_is_that_of_the_chosen(monkeypatch, change):
    """With probability 1 and 0 both ways draw the same, so that pixels can be compared."""
    for chance in (1.0, 0.0):
        settings = Views("none", blur_sigma=[0.7, 0.7], **{change: chance})
        images, results = uint8(5, 9), []
        for forced in (False, True):
            monkeypatch.setattr(path, "forced", forced)
            results.append(RandomViews(settings, ZERO, ONE)(images))
        torch.testing.assert_close(*results, rtol=0, atol=1e-6)
    assert not torch.equal(results[0], RandomViews(Views("none", grayscale=1.0), ZERO, ONE)(images))


def test_the_way_of_a_gpu_has_the_same_statistics(monkeypatch):
    """Mean, deviation and grey images of many views of one image, by both ways."""
    images, seen = smooth(12).expand(4000, -1, -1, -1), []
    for forced in (False, True):
        monkeypatch.setattr(path, "forced", forced)
        made = RandomViews(SIMCLR, ZERO, ONE)(images)
        grey = (made.std(dim=1).amax(dim=(1, 2)) < 1e-3).float().mean()
        blurred = (made[..., 1:] - made[..., :-1]).abs().mean(dim=(1, 2, 3))
        seen.append(torch.stack([made.mean(), made.std(), grey, blurred.mean(), blurred.std()]))
    torch.testing.assert_close(*seen, rtol=0.05, atol=0.02)
