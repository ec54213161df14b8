"""Checked settings: asked for again they are the same, and nobody else's."""

from __future__ import annotations

import pytest

from nassl.settings import SECTIONS, SettingsError
from nassl.settings.typed import typed


def test_the_same_values_give_equal_settings_each_of_which_may_be_changed():
    views = {"crop": "resized", "crop_scale": [0.5, 1.0], "flip": 0.5}
    values = {"kind": "simclr", "temperature": 0.5, "hidden": 8, "projection": 8, "views": views}
    for place in "abc":  # the first is checked, the others are remembered
        settings = typed(SECTIONS["objective"], values, f"objective.{place}")
        assert settings.views.crop_scale == [0.5, 1.0]
        settings.views.crop_scale[0] = 0.1


@pytest.mark.parametrize("epochs", ["many", 1.5])
def test_what_was_right_in_one_place_is_refused_in_another(epochs):
    """A value that looks the same, and another one; every error names its own place."""
    recipe = {
        "epochs": 1, "batch_size": 2, "optimizer": "adam", "learning_rate": 0.1,
        "schedule": "constant", "weight_decay": 0.0,
    }  # fmt: skip
    assert typed(SECTIONS["recipe"], recipe, "recipe.a").epochs == 1
    for name in "bc":
        with pytest.raises(SettingsError, match=rf"recipe\.{name}\.epochs"):
            typed(SECTIONS["recipe"], recipe | {"epochs": epochs}, f"recipe.{name}")
