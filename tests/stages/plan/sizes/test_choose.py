"""Which sizes are taken for a time, branch by branch: a function of numbers alone."""

from __future__ import annotations

import pytest

from stages.plan.sizes.choose import (
    FEWER_EPOCHS,
    FEWER_IMAGES,
    FITS,
    Rules,
    Sizes,
    TooShort,
    choose,
    fitting_batch,
    sides,
    stem,
    wanted_epochs,
)

RULES = Rules(
    sides=[32, 64, 128, 224], imagenet_from=128, images=5000, least_epochs=0.4, most_epochs=5.0,
    least_images=1000, batches=3, least_batch=16,
)  # fmt: skip
RATE = 1e-6  # seconds a pixel


def rungs(*sides):
    return [Sizes(side, stem(RULES, side), 64) for side in sorted(sides, reverse=True)]


def taking(images, rate=RATE, start=0.0):
    """Seconds of sizes, with all of so many images unless they say fewer: in proportion to what is
    computed, a 64th of it with stem imagenet, after a `start`."""

    def seconds(sizes):
        share = 1 / 64 if sizes.stem == "imagenet" else 1
        return start + rate * share * sizes.side**2 * sizes.epochs * (sizes.images or images)

    return seconds


def chosen(images, budget, *sides, fewest=1000, **taken):
    return choose(RULES, rungs(*sides), images, fewest, budget, taking(images, **taken))


def test_the_largest_side_comes_first():
    found = chosen(5000, 10.0, 32, 64)
    assert (found.sizes.side, found.because, found.larger) == (32, FITS, (64, 64**2 * 5e-3))
    found = chosen(5000, 25.0, 32, 64)  # 20.48 seconds
    assert (found.sizes.side, found.because, found.larger) == (64, FITS, None)


def test_time_that_is_left_goes_into_epochs_up_to_the_most():
    found = chosen(5000, 10.0, 32)  # 5.12 seconds for the scale's
    assert found.sizes.epochs == 1.95
    assert found.seconds == pytest.approx(1.95 * 5.12)
    assert chosen(5000, 1e6, 32).sizes.epochs == 5.0


def test_few_images_get_more_epochs_before_a_larger_side():
    # 1,000 images want five times the epochs: 5.12 seconds at 32 pixels, 20.48 at 64
    found = chosen(1000, 15.0, 32, 64)
    assert (found.sizes.side, found.sizes.epochs, found.because) == (32, 5.0, FITS)
    assert found.larger == (64, pytest.approx(20.48))
    assert chosen(1000, 21.0, 32, 64).sizes.side == 64


def test_where_no_side_leaves_the_wanted_epochs_there_are_fewer():
    found = chosen(5000, 4.0, 32, 64)
    assert (found.sizes.side, found.sizes.epochs, found.because) == (32, 0.75, FEWER_EPOCHS)
    assert found.sizes.images == 0
    found = chosen(1000, 4.0, 32)  # of five
    assert (found.sizes.epochs, found.because) == (3.9, FEWER_EPOCHS)


def test_the_side_that_costs_least_need_not_be_the_smallest():
    found = chosen(5000, 1.0, 32, 64, 128, 224)  # 128 pixels with stem imagenet: 1.28 seconds
    assert (found.sizes.side, found.sizes.stem, found.sizes.epochs) == (128, "imagenet", 0.75)


def test_then_there_are_fewer_images():
    found = chosen(100_000, 20.0, 32)  # all, with the fewest epochs: 41 seconds
    assert (found.because, found.sizes.epochs, found.sizes.images) == (FEWER_IMAGES, 0.4, 48_800)
    assert found.seconds <= 20 < taking(0)(Sizes(32, "cifar", 64, 0.4, 48_900))


def test_a_time_that_is_too_short_is_refused_with_the_least():
    with pytest.raises(TooShort) as short:
        chosen(100_000, 0.4, 32, start=0.1)
    assert short.value.sizes == Sizes(32, "cifar", 64, 0.4, 1000)
    assert short.value.seconds == pytest.approx(0.1 + 0.4096)
    assert chosen(100_000, 0.6, 32, start=0.1).sizes.images == 1200


def test_images_are_not_left_out_where_all_are_wanted():
    with pytest.raises(TooShort) as short:
        chosen(100_000, 20.0, 32, fewest=100_000)
    assert short.value.sizes == Sizes(32, "cifar", 64, 0.4, 0)
    with pytest.raises(TooShort) as short:
        chosen(600, 0.1, 32, fewest=600)  # fewer than the least
    assert short.value.sizes.images == 0


def test_slower_machines_get_less():
    times = [chosen(5000, 10.0, 32, 64, rate=RATE * factor) for factor in (0.1, 1, 2)]
    assert [(one.sizes.side, one.sizes.epochs) for one in times] == [
        (64, 4.85),
        (32, 1.95),
        (32, 0.95),
    ]


def test_no_more_sides_are_looked_at_than_are_needed():
    looked = []

    def lazily():
        for rung in rungs(32, 64, 128, 224):
            looked.append(rung.side)
            yield rung

    choose(RULES, lazily(), 5000, 1000, 1.5, taking(5000))
    assert looked == [224, 128]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(20, [32]), (32, [32]), (100, [32, 64]), (128, [32, 64, 128]), (3000, [32, 64, 128, 224])],
)
def test_images_are_not_enlarged_beyond_the_smallest_side(seen, expected):
    assert sides(RULES, seen) == expected


def test_large_images_have_the_stem_for_them():
    assert [stem(RULES, side) for side in (32, 127, 128, 224)] == ["cifar"] * 2 + ["imagenet"] * 2


@pytest.mark.parametrize(
    ("batch", "images", "expected"),
    [
        (64, 192, 64),
        (64, 191, 32),
        (64, 120, 32),
        (64, 50, 16),  # not below the least for more batches
        (64, 16, 16),
        (64, 15, 8),  # but below it where there are fewer images
        (64, 1, 2),
        (512, 240, 64),
        (8, 100, 8),
        (8, 10, 8),
    ],
)
def test_batches_fit_the_images(batch, images, expected):
    assert fitting_batch(RULES, batch, images) == expected


@pytest.mark.parametrize(
    ("images", "expected"), [(100, 5.0), (1000, 5.0), (1500, 3.3), (5000, 1.0), (10**6, 1.0)]
)
def test_few_images_want_as_many_steps(images, expected):
    assert wanted_epochs(RULES, images) == expected
