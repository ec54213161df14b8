"""What is said that one should do next with own images, branch by branch."""

from __future__ import annotations

import pytest

from stages.report.numbers.own import Pretrained
from stages.report.numbers.own_training import FALLS, LEVEL_OFF, TOO_SHORT, Trend
from stages.report.text.own_verdict import verdict
from tests.stages.report.own_rows import drawn, own_table, published, searched

HIGH, MIDDLE, LOW = (80, 81, 82), (65, 66, 68), (52, 55, 54)


def of(*rows, trend=None):
    return verdict(own_table(*rows), trend)


EXPORT = "Export SSNAS: `python -m stages.export --run best --format onnx --out network.onnx`."
TUNE = (
    "Fine-tune it on your labels, to see what they add: plan again with "
    "`papers.own.tables.networks.each.finetune=finetune-all`."
)
LOOK = (
    "Look at the examples below: what cannot be seen in them cannot be learnt. "
    "`data.folder.image_size` makes them larger."
)


@pytest.mark.parametrize(
    ("rows", "steps"),
    [
        ([searched(HIGH, LOW)], [EXPORT, TUNE]),
        ([searched(HIGH, LOW, values={"finetune_accuracy": (90.0,)})], [EXPORT]),
        ([searched(LOW, HIGH)], [LOOK]),
        (
            [searched((51, 52), (48, 49))],  # at chance
            [LOOK],
        ),
        (
            [searched(MIDDLE, LOW), published(HIGH)],
            [EXPORT.replace("SSNAS", "ResNet-18").replace("best", "pretrain/ResNet-18-s0"), TUNE],
        ),
        (
            [searched((80,), (60,)), drawn((70,)), published((70,))],
            [
                "Run at least 3 seeds: with one nothing is known of the noise. Plan again with "
                "`seeds.own=3`.",
                EXPORT, TUNE,
            ],
        ),
        (
            [searched((80, 81, 82), (79, 79.5, 80.1))],
            [
                "Test on more images, to tell whether pretraining helps: label more, or raise "
                "`test_fraction`.",
                EXPORT, TUNE,
            ],
        ),
        (
            [searched(candidates=(2.0,)), drawn(candidates=(3.0,))],
            [
                "Run at least 3 seeds: with one nothing is known of the noise. Plan again with "
                "`seeds.search=3`.",
                EXPORT,
                "Label some of the images, in class folders: then the networks can be judged.",
            ],
        ),
    ],
)  # fmt: skip
def test_what_to_do_next(rows, steps):
    assert list(of(*rows).steps) == steps


def test_more_seeds_are_counted_from_the_spread():
    # differences 10, -2, 13: mean 7, deviation 7.94; simulated: 79 % with 12 pairs, 83 % with 13
    assert of(searched((80, 68, 83), (70, 70, 70))).steps[0] == (
        "Run 13 seeds instead of 3: if the difference is as large as it seems, they tell whether "
        "pretraining helps in four of five cases. Plan again with `seeds.own=13`."
    )
    assert of(searched((80, 60, 71), (70, 70, 70))).steps[0] == (
        "Take it that there is no difference worth having: to tell whether pretraining helps would "
        "take more than 30 seeds."
    )


@pytest.mark.parametrize(
    ("trend", "step"),
    [
        (
            Trend(8, 0.125, FALLS, "pretrain-b64"),
            "Pretrain for longer: the loss still fell by 12.5 % over the second half of the 8 "
            "epochs: plan again with `recipe.pretrain-b64.epochs=16`.",
        ),
        (
            Trend(1, 0.0, TOO_SHORT, "pretrain-b64"),
            "Pretrain for longer: 1 epoch is too short to see where the loss goes: plan again with "
            "`recipe.pretrain-b64.epochs=2`.",
        ),
        (Trend(8, 0.0, LEVEL_OFF, "pretrain-b64"), EXPORT),
    ],
)
def test_more_epochs_are_advised_from_the_curve(trend, step):
    assert of(searched(HIGH, LOW), trend=trend).steps[0] == step


def test_a_loss_at_chance_asks_for_more_epochs_and_does_not_offer_the_network():
    row = searched(pretraining_chance=4.844)
    row = type(row)(**{**vars(row), "pretrained": (Pretrained("pretrain/x-s0", 4.84),)})
    steps = of(row, trend=Trend(8, 0.0, LEVEL_OFF, "pretrain-b64")).steps
    assert list(steps) == [
        "Pretrain for longer: after 8 epochs the loss is still at chance: plan again with "
        "`recipe.pretrain-b64.epochs=16`.",
        LOOK,
    ]
