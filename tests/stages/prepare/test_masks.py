"""Masks as they are written, against pycocotools' own reading of them."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as run_lengths

from stages.prepare.masks import UnusableMask, decoded, polygons, run_length

WIDTH, HEIGHT = 40, 30
BOX = (5.0, 4.0, 25.0, 24.0)


def blob(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """uint8 (height, width), of runs of all lengths."""
    mask = (random.random((height, width)) < random.random()).astype(np.uint8)
    return np.kron(mask, np.ones(random.integers(1, 30, 2), np.uint8))


def test_compressed_run_lengths_are_decoded_as_they_were_encoded():
    random = np.random.default_rng(0)
    for _ in range(200):
        mask = blob(random, *random.integers(1, 40, 2))
        runs = decoded(run_lengths.encode(np.asfortranarray(mask))["counts"].decode())
        assert (runs >= 0).all()
        assert (np.repeat(np.arange(len(runs)) % 2, runs) == mask.reshape(-1, order="F")).all()


def test_a_list_of_run_lengths_becomes_the_text_of_the_same_mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[6:20, 8:22] = 1
    encoded = run_lengths.encode(mask)
    text = encoded["counts"].decode()
    for counts in (decoded(text).tolist(), text):
        found = run_length({"size": [HEIGHT, WIDTH], "counts": counts}, BOX, WIDTH, HEIGHT)
        assert found == {"size": [HEIGHT, WIDTH], "counts": text}


SIZE = [HEIGHT, WIDTH]
RUN_LENGTHS = {
    "another size": ({"size": [WIDTH, HEIGHT], "counts": [1200]}, "of another size"),
    "no size": ({"counts": [1200]}, "of another size"),
    "too short": ({"size": SIZE, "counts": [100, 200]}, "do not add up to the image"),
    "too long": ({"size": SIZE, "counts": [100, 2000]}, "do not add up to the image"),
    "negative": ({"size": SIZE, "counts": [1300, -100]}, "neither a list of whole numbers nor"),
    "words": ({"size": SIZE, "counts": ["a"]}, "neither a list of whole numbers nor a text"),
    "endless": ({"size": SIZE, "counts": [2**70]}, "do not add up to the image"),
    "nothing": ({"size": SIZE, "counts": []}, "do not add up to the image"),
    "no pixel": ({"size": SIZE, "counts": [1200]}, "it covers no pixel"),
    "elsewhere": ({"size": SIZE, "counts": [1100, 20, 80]}, "it lies outside of the box"),
    "an empty text": ({"size": SIZE, "counts": ""}, "cut off or broken"),
    "a cut text": ({"size": SIZE, "counts": "PPY"}, "cut off or broken"),
    "a text of other letters": ({"size": SIZE, "counts": "é !"}, "cut off or broken"),
    "an endless text": ({"size": SIZE, "counts": "o" * 30 + "1"}, "cut off or broken"),
    "a text of another image": ({"size": SIZE, "counts": "1O10"}, "do not add up to the image"),
}


@pytest.mark.parametrize(("written", "text"), RUN_LENGTHS.values(), ids=RUN_LENGTHS)
def test_run_lengths_that_cannot_be_used(written, text):
    with pytest.raises(UnusableMask, match=text):
        run_length(written, BOX, WIDTH, HEIGHT)


LINE = [6, 6, 12, 12, 18, 18]
POLYGONS = {
    "empty": ([], "no polygon of three points or more"),
    "empty polygons": ([[], []], "no polygon of three points or more"),
    "two points": ([[6, 6, 12, 12]], "no polygon of three points or more"),
    "an odd number": ([[6, 6, 12, 6, 12, 12, 7]], "no polygon of three points or more"),
    "one point": ([[6, 6] * 4], "it covers no pixel"),
    "thin": ([[6, 6, 6.1, 6, 6.1, 20, 6, 20]], "it covers no pixel"),
    "elsewhere": ([[30, 6, 38, 6, 38, 20]], "it lies outside of the box"),
}


@pytest.mark.parametrize(("written", "text"), POLYGONS.values(), ids=POLYGONS)
def test_polygons_that_cannot_be_used(written, text):
    with pytest.raises(UnusableMask, match=text):
        polygons(written, BOX, WIDTH, HEIGHT, small=False)


def test_whatever_is_kept_covers_pixels():
    """Random polygons, of which many are next to nothing."""
    random, kept = np.random.default_rng(1), 0
    for _ in range(3000):
        count = random.integers(2, 9)
        at = random.uniform(4, 26, 2) + random.normal(0, 10 ** random.uniform(-2, 1), (count, 2))
        if random.random() < 0.3:  # a line
            at[:, 1] = at[0, 1] + (at[:, 0] - at[0, 0]) * random.normal()
        at = np.clip(at, 0, (WIDTH, HEIGHT))
        try:
            found, _ = polygons([at.reshape(-1).tolist()], BOX, WIDTH, HEIGHT, small=count > 5)
        except UnusableMask:
            continue
        kept += 1
        drawn = run_lengths.merge(run_lengths.frPyObjects(found, HEIGHT, WIDTH))
        assert run_lengths.area(drawn) > 0
    assert 500 < kept < 2900


def test_short_polygons_are_left_out_of_a_mask():
    good = [6.0, 6.0, 20.0, 6.0, 20.0, 20.0]
    found, bounds = polygons([[1, 2, 3, 4], good], BOX, WIDTH, HEIGHT, small=False)
    assert found == [good]
    assert bounds == (6, 6, 20, 20)
