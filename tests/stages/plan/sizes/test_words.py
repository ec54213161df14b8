"""What a person is told of sizes, word for word."""

from __future__ import annotations

import pytest

from stages.plan.look import Seen
from stages.plan.sizes import words
from stages.plan.sizes.choose import FEWER_EPOCHS, FEWER_IMAGES, FITS, Choice, Sizes, TooShort
from tests.stages.plan.sizes.test_choose import RULES

SEEN = Seen((248,) * 10)
NINE = "nine of ten images have 248 pixels or more on their shorter side"
EPOCHS = {"search": 20, "pretrain-b64": 60}


def said(choice, kept=None, epochs=EPOCHS, images=5000, seen=SEEN):
    return words.chosen(choice, RULES, seen, epochs, images, kept or {})


def test_what_was_chosen_and_why():
    choice = Choice(Sizes(128, "imagenet", 64, 2.0), 7000.0, FITS, (224, 9000.0))
    assert said(choice) == [
        f"image_size=128, stem imagenet: {NINE}; 224 pixels would take 2.5 hours",
        "batches of 64",
        "epochs: search 20, pretrain-b64 60: 2 times its scale's, for which there is time",
        "all 5,000 training images",
    ]


@pytest.mark.parametrize(
    ("choice", "place", "line"),
    [
        (
            Choice(Sizes(224, "imagenet", 64, 5.0), 1.0, FITS), 0,
            f"image_size=224, stem imagenet: {NINE}; the largest size that there is for them",
        ),
        (
            Choice(Sizes(224, "imagenet", 64, 5.0), 1.0, FITS), 2,
            "epochs: search 20, pretrain-b64 60: 5 times its scale's, the most that is tried",
        ),
        (
            Choice(Sizes(32, "cifar", 64, 1.0), 1.0, FITS), 2,
            "epochs: search 20, pretrain-b64 60: as its scale has them",
        ),
        (
            Choice(Sizes(32, "cifar", 64, 0.75), 1.0, FEWER_EPOCHS), 0,
            f"image_size=32, stem cifar: {NINE}; the size that costs least",
        ),
        (
            Choice(Sizes(32, "cifar", 64, 0.75), 1.0, FEWER_EPOCHS), 2,
            "epochs: search 20, pretrain-b64 60: 0.75 times its scale's; more do not fit",
        ),
        (
            Choice(Sizes(32, "cifar", 64, 0.4, 1200), 1.0, FEWER_IMAGES), 2,
            "epochs: search 20, pretrain-b64 60: 0.4 times its scale's, the fewest that are worth "
            "trying",
        ),
        (
            Choice(Sizes(32, "cifar", 64, 0.4, 1200), 1.0, FEWER_IMAGES), 3,
            "1,200 of 5,000 training images: more take longer than the budget",
        ),
    ],
)  # fmt: skip
def test_every_reason(choice, place, line):
    assert said(choice)[place] == line


def test_without_a_header_nothing_is_said_of_their_size():
    choice = Choice(Sizes(32, "cifar", 64), 1.0, FITS)
    for seen in (None, Seen(())):
        assert said(choice, seen=seen)[0].startswith(
            "image_size=32, stem cifar: no header of an image could be read; "
        )


def test_what_was_set_is_kept_and_said():
    kept = {"data.folder.image_size": 32, "recipe.search.batch_size": 8, "recipe.search.epochs": 3}
    choice = Choice(Sizes(32, "cifar", 64), 1.0, FITS)
    assert said(choice, kept, {}) == [
        "all 5,000 training images",
        "kept: data.folder.image_size=32",
        "kept: recipe.search.batch_size=8",
        "kept: recipe.search.epochs=3",
    ]


def test_the_estimate_names_both_machines():
    hours = {"2 CPU cores": 1.75, "one A100": 0.2}
    assert words.estimated("2h", hours) == (
        "budget=2h: about 105 minutes on 2 CPU cores; 12 minutes on one A100 (right within a "
        "factor of two)"
    )


def test_a_time_that_is_too_short_with_one_that_is_not():
    short = TooShort(Sizes(32, "cifar", 64, 0.4, 1000), 2000.0)
    assert words.too_short("10m", short, {"search": 4}, "2 CPU cores") == (
        "budget=10m is too short: the least that is worth trying (32 pixels, search 4 epochs, "
        "1,000 images) takes about 33 minutes on 2 CPU cores; write budget=35m, or plan less: "
        "seeds.own=1, 'only=[\"own.networks/SSNAS (first order)\"]'"
    )


def test_far_larger_images_are_warned_of():
    (line,) = words.far_larger("folder", 248, 32, False)
    assert line == (
        f"warning: data.folder: {NINE}, and 32 x 32 are used; budget=2h chooses sizes for the time "
        "that you have, data.folder.image_size=64 sets them"
    )
    (line,) = words.far_larger("mine", 248, 64, True)
    assert line.endswith("a longer budget keeps more, data.mine.image_size=128 sets them")
    assert words.far_larger("folder", 64, 32, False)
    assert not words.far_larger("folder", 63, 32, False)
    assert not words.far_larger("folder", 3000, 224, False)  # as networks of photographs take
    assert not words.far_larger("folder", 3000, 0, False)  # they keep their sizes


def test_sides_that_were_not_considered():
    left_out = {"the memory of this machine": [96, 64], "unpack it": [224]}
    assert words.left_out(64, left_out) == [
        "not considered: 96 pixels: the memory of this machine",
        "not considered: 224 pixels: unpack it",
    ]
    assert words.left_out(224, left_out) == []
