"""Whether each value is allowed, whatever run it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from nassl.settings import Detection, SettingsError
from nassl.settings.objectives.lightly import LIGHTLY_LOSSES

LARGEST = 2**63 - 1
ALLOWED = {  # by field name, wherever it occurs
    "optimizer": ("sgd", "adam", "lars"),
    "schedule": ("cosine", "constant", "steps", "exponential"),
    "decoder": ("pillow", "nvjpeg"),
    "precision": ("float32", "tf32", "bfloat16"),
    "crop": ("resized", "padded", "none"),
    "stem": ("cifar", "imagenet"),
    "labels": ("labels", "no-labels"),
    "criterion": ("contrastive_loss", "accuracy"),
    "init": ("pretrained", "random"),
    "on_error": ("stop", "skip"),
    "order": (1, 2),
    "edges": ("all", "top2"),
    "head": ("linear", "mlp"),
    "loss": LIGHTLY_LOSSES,
}
IN_UNIT_INTERVAL = (
    "flip", "jitter", "grayscale", "blur", "label_smoothing", "drop_path", "momentum",
    "validation_fraction", "test_fraction", "label_fraction",
    "mutation_weight", "loss_decay", "decay", "epsilon", "final_epsilon",
)  # fmt: skip
POSITIVE = (
    "channels", "cells", "image_size", "temperature", "projection", "layers", "neighbours",
    "threads", "iterations", "images_per_batch", "reference_devices", "test_side", "longest",
    "anchors_per_image", "rois_per_image", "pooler_resolution", "alpha_every",
)  # fmt: skip


def check_values(where: str, settings: Any) -> None:
    """Raises SettingsError for the first value that is not allowed, or out of range."""
    for key, value in _leaves(settings):
        name = key.rpartition(".")[2]
        _check_numbers(f"{where}.{key}", value)
        if name in ALLOWED and value not in ALLOWED[name]:
            allowed = ", ".join(map(str, ALLOWED[name]))
            raise SettingsError(f"{where}.{key} is {value!r}; allowed: {allowed}")
        if name in IN_UNIT_INTERVAL and not 0 <= value <= 1:
            raise SettingsError(f"{where}.{key} is {value}; allowed: 0 to 1")
        if name in POSITIVE and value <= 0 and not (value == 0 and _may_be_zero(name, settings)):
            raise SettingsError(f"{where}.{key} is {value}; it must be greater than 0")
        if name == "size_limit" and value < 1:
            raise SettingsError(
                f"{where}.{key} is {value}; allowed: 1 or more, as the initial structure is within"
            )
        if name in ("crop_scale", "crop_ratio", "blur_sigma") and not (
            len(value) == 2 and 0 < value[0] <= value[1]
        ):
            raise SettingsError(f"{where}.{key} is {value}; allowed: [low, high], 0 < low <= high")


def _may_be_zero(name: str, settings: Any) -> bool:
    """Whether 0 means "not given": another key, or the data, decides."""
    if isinstance(settings, Detection):
        fitted = ("iterations", "test_side", "longest", "pooler_resolution")
        return settings.epochs > 0 and name in fitted
    return name in ("channels", "cells") or (name == "image_size" and settings.own_sizes)


def _leaves(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def _check_numbers(where: str, value: object) -> None:
    """Raises SettingsError unless every number in `value` is finite and not negative: nothing that
    a plan sets can be."""
    values = value.values() if isinstance(value, dict) else value
    for number in values if isinstance(value, list | dict) else [value]:
        if isinstance(number, list):
            raise SettingsError(f"{where} is {value}; a list of numbers is expected, not of lists")
        if isinstance(number, int | float) and not 0 <= number <= LARGEST:
            raise SettingsError(f"{where} is {number}; it must be finite and not negative")
