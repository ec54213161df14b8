from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from nassl.files import InputError
from nassl.settings import DATASETS
from stages.prepare import digits as module
from stages.prepare.digits import bilinear, digits, draw


def settings(**changes):
    return DATASETS["digits"](
        **{"kind": "digits", "image_size": 16, "train": 200, "test": 80, **changes}
    )


def test_counts_classes_and_kinds():
    prepared = digits(settings(unlabeled=150))
    assert {name: len(part) for name, part in prepared.parts.items()} == {
        "train": 200,
        "test": 80,
        "unlabeled": 150,
    }
    assert prepared.classes == [str(n) for n in range(10)]
    assert prepared.parts["unlabeled"].labels is None
    for part in prepared.parts.values():
        assert part.pixels.dtype == np.uint8
        assert part.pixels.shape[1:] == (16, 16, 3)
    assert "unlabeled" not in digits(settings()).parts


def test_same_seed_same_bytes():
    first, same, other = (digits(settings(seed=seed)).parts["train"] for seed in (3, 3, 4))
    assert (first.pixels == same.pixels).all()
    assert (first.labels == same.labels).all()
    assert (first.pixels != other.pixels).any()


def test_parts_share_no_source_digit_and_use_theirs_evenly(monkeypatch):
    """`draw` is replaced by one that hands the glyphs through, to see which went where."""
    monkeypatch.setattr(module, "draw", lambda glyphs, *_: glyphs)
    prepared = digits(settings(train=2000, test=900, unlabeled=1500))
    source = load_digits()
    number = {glyph.tobytes(): i for i, glyph in enumerate(source.images / 16.0)}
    used = {}
    for name, part in prepared.parts.items():
        drawn = [number[glyph.tobytes()] for glyph in part.pixels]
        if part.labels is not None:
            assert (source.target[drawn] == part.labels).all()
        times = np.bincount(drawn)
        times = times[times > 0]
        assert times.max() - times.min() <= 1
        used[name] = set(drawn)
    assert not used["train"] & used["test"]
    assert not used["train"] & used["unlabeled"]
    assert not used["test"] & used["unlabeled"]
    assert len(set.union(*used.values())) == len(number) == 1797
    for name in ("train", "test"):
        counts = np.bincount(source.target[sorted(used[name])]) / len(used[name])
        assert counts == pytest.approx(np.bincount(source.target) / 1797, abs=0.006)


def test_a_drawing_is_what_the_formula_says():
    """Extreme glyphs: all paper shows the background, all ink the foreground in a 13x13 square."""
    paper = draw(np.zeros((3000, 8, 8)), 16, np.random.default_rng(0)) / 255
    ink = draw(np.ones((3000, 8, 8)), 16, np.random.default_rng(0)) / 255
    # Means of 0.35 * U + 0.35 * U and of 0.5 + 0.5 * U.
    assert paper.mean() == pytest.approx(0.35, abs=0.01)
    assert paper.max() < 0.7 + 6 * 0.05
    marked = np.abs(ink - paper).mean(axis=3) > 0.02  # both drew the same random numbers
    rows = marked.any(axis=2).sum(axis=1)
    columns = marked.any(axis=1).sum(axis=1)
    assert rows.max() == columns.max() == 13
    inside = ink[marked]
    assert inside.mean() == pytest.approx(0.75, abs=0.02)
    for axis in (1, 2):
        first = marked.any(axis=3 - axis).argmax(axis=1)
        assert np.unique(first[rows == 13]).tolist() == [0, 1, 2, 3]
    # The noise: second differences of what is otherwise piecewise linear along a row.
    steps = paper[:, :, 3:6].astype(float)
    noise = (steps[:, :, 0] - 2 * steps[:, :, 1] + steps[:, :, 2]).std() / 6**0.5
    assert noise == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize(("small", "large"), [(8, 13), (4, 16)])
def test_enlarging_is_bilinear(small, large):
    image = np.random.default_rng(0).random((small, small))
    ours = bilinear(small, large) @ image @ bilinear(small, large).T
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], (large, large), mode="bilinear", align_corners=False
    )
    assert ours == pytest.approx(theirs[0, 0].numpy(), abs=1e-12)


@pytest.mark.parametrize("changes", [{"train": 0}, {"test": 9}, {"image_size": 12}])
def test_impossible_counts_are_refused(changes):
    with pytest.raises(
        InputError, match="digits need train >= 10, test >= 10 and image_size >= 13"
    ):
        digits(settings(**changes))


def test_distractors_lie_behind_the_digit_and_come_from_the_given_glyphs():
    glyphs, others = np.ones((40, 8, 8)), np.zeros((3, 8, 8))
    plain = draw(glyphs, 16, np.random.default_rng(0))
    # Glyphs without ink distract from nothing, and all else is drawn from the same numbers.
    empty = draw(glyphs, 16, np.random.default_rng(0), 2, others)
    inked = draw(glyphs, 16, np.random.default_rng(0), 2, glyphs)
    assert inked.shape == plain.shape
    assert (inked != empty).any()
    # The digit, a square without holes here, covers them: what differs lies in the margin.
    changed = (inked != empty).any(axis=-1).reshape(40, -1).sum(axis=1)
    assert 0 < changed.max() <= 16 * 16 - 13 * 13


def test_settings_say_how_many_distract():
    few, many = (digits(settings(distractors=n)) for n in (0, 2))
    assert (few.parts["train"].pixels != many.parts["train"].pixels).any()
    assert (few.parts["train"].labels == many.parts["train"].labels).all()
