"""Generated shapes: classes of form, texture and colour that colour alone does not tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from nassl.files import InputError
from nassl.settings import Data
from stages.prepare.shapes import CLASSES, FORMS, inside, shapes


def data(**changes):
    given = {"kind": "shapes", "image_size": 32, "train": 480, "test": 240} | changes
    return shapes(Data(**given))


def test_classes_are_drawn_equally_often_and_the_same_again():
    first, second = data(), data()
    assert len(first.classes) == len(CLASSES) == 24
    assert np.bincount(first.parts["train"].labels).tolist() == [20] * 24
    for part in ("train", "test"):
        assert first.parts[part].pixels.dtype == np.uint8
        assert (first.parts[part].pixels == second.parts[part].pixels).all()
    other = data(seed=1)
    assert (first.parts["train"].pixels != other.parts["train"].pixels).mean() > 0.9


def test_a_pool_without_labels_is_drawn_too():
    pool = data(unlabeled=30).parts["unlabeled"]
    assert pool.labels is None
    assert pool.pixels.shape == (30, 32, 32, 3)


def test_colour_alone_solves_little():
    from sklearn.linear_model import LogisticRegression

    prepared = data(train=960, test=480)

    def colours(part):
        pixels = part.pixels.reshape(len(part), -1, 3) / 255
        return np.concatenate([pixels.mean(1), pixels.std(1)], axis=1)

    train, test = prepared.parts["train"], prepared.parts["test"]
    model = LogisticRegression(max_iter=300, C=100).fit(colours(train), train.labels)
    assert model.score(colours(test), test.labels) < 0.35
    warm = model.predict(colours(test)) < 12
    assert (warm == (test.labels < 12)).mean() > 0.8  # but colour does tell the families apart


def test_forms_have_their_areas():
    at = (np.arange(400) + 0.5) / 200 - 1  # a square of area 4 about the centre
    y, x = np.broadcast_arrays(at[:, None], at[None, :])
    areas = {"disc": np.pi * 0.85**2, "square": 1.44**2, "triangle": 3 * 3**0.5 / 4,
             "cross": 2 * 1.9 * 0.6 - 0.36}  # fmt: skip
    for number, form in enumerate(FORMS):
        covered = inside(x[None], y[None], np.array([number])).mean() * 4
        assert covered == pytest.approx(areas[form], rel=0.01), form


@pytest.mark.parametrize("changes", [{"train": 10}, {"test": 3}, {"image_size": 16}])
def test_too_few_or_too_small_is_refused(changes):
    with pytest.raises(InputError, match="shapes need train and test >= 24 and image_size >= 24"):
        data(**changes)
