"""The sentences about own images, branch by branch."""

from __future__ import annotations

import pytest

from stages.report.numbers.verdicts import UNKNOWN
from stages.report.text.own_verdict import verdict
from tests.stages.report.own_rows import drawn, own_table, published, searched

HIGH, MIDDLE, LOW = (80, 81, 82), (65, 66, 68), (52, 55, 54)
NOISY = (85, 60, 90)


def of(*rows):
    return verdict(own_table(*rows))


# ------------------------------------------------------------------ the headline ----


@pytest.mark.parametrize(
    ("rows", "kind", "text"),
    [
        ([searched(HIGH, LOW)], "better", "Pretraining helped: use the network of SSNAS."),
        (
            [searched(HIGH, LOW), published(MIDDLE)], "better",
            "Use the network of SSNAS: pretraining helped, and it is better than ResNet-18.",
        ),
        (
            [searched(MIDDLE, LOW), published(HIGH)], "worse",
            "Take ResNet-18 instead: pretraining helped, but SSNAS is worse than ResNet-18.",
        ),
        (
            [searched(HIGH, LOW), published(NOISY)], "better",
            "Pretraining helped; whether SSNAS is better than ResNet-18, which needs no search, "
            "cannot be told.",
        ),
        (
            [searched(LOW, HIGH)], "worse",
            "Do not use these weights: the pretrained network is worse than random ones.",
        ),
        ([searched((80,), (60,))], UNKNOWN, "Whether pretraining helped cannot be told."),
        ([searched(NOISY, MIDDLE)], UNKNOWN, "Whether pretraining helped cannot be told."),
        ([searched()], UNKNOWN, "How good the networks are cannot be told without labels."),
        (
            [searched(pretraining_chance=4.844)], UNKNOWN,
            "How good the networks are cannot be told without labels; pretraining has learnt to "
            "tell your images apart.",
        ),
        (
            [searched(pretraining_chance=2.0)], UNKNOWN,
            "How good the networks are cannot be told without labels, and pretraining has not "
            "learnt to tell your images apart (loss at chance).",
        ),
    ],
)  # fmt: skip
def test_the_headline(rows, kind, text):
    found = of(*rows)
    assert (found.kind, found.headline) == (kind, text)


# ------------------------------------------------------------- question by question ----


def knn(pretrained, untrained=()):
    values = {"knn_accuracy": tuple(map(float, pretrained))}
    return values | ({"knn_accuracy_untrained": tuple(map(float, untrained))} if untrained else {})


SIZES = "(40 M against 40 M multiply-adds an image, 250 k against 250 k parameters)"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [searched(HIGH, LOW)],
            "The pretrained network of SSNAS is better than the same network with random weights.",
        ),
        (
            [searched(LOW, HIGH)],
            "The pretrained network of SSNAS is worse than the same network with random weights.",
        ),
        (
            [searched(NOISY, MIDDLE)],
            "Whether the pretrained network of SSNAS is better than the same network with random "
            "weights cannot be told.",
        ),
        (
            [searched(HIGH, LOW, values=knn((52, 55, 56), HIGH))],
            "The pretrained network of SSNAS is better than the same network with random weights "
            "in one measure and worse in another.",
        ),
        ([searched(HIGH), drawn(LOW)], "The searched cell (SSNAS) is better than a random one."),
        ([searched(LOW), drawn(HIGH)], "The searched cell (SSNAS) is worse than a random one."),
        (
            [searched(HIGH), drawn(NOISY)],
            "Whether the searched cell (SSNAS) is better than a random one cannot be told.",
        ),
        (
            [searched(HIGH, values=knn(LOW)), drawn(LOW, values=knn(HIGH))],
            "The searched cell (SSNAS) is better than a random one in one measure and worse in "
            "another.",
        ),
        (
            [searched(HIGH), published(LOW)],
            f"SSNAS is better than ResNet-18 pretrained alike {SIZES}.",
        ),
        (
            [searched(LOW), published(HIGH)],
            f"SSNAS is worse than ResNet-18 pretrained alike {SIZES}.",
        ),
        (
            [searched(HIGH), published(NOISY)],
            f"Whether SSNAS is better than ResNet-18 pretrained alike cannot be told {SIZES}.",
        ),
        (
            [searched(HIGH, values=knn(LOW)), published(LOW, values=knn(HIGH))],
            "SSNAS is better than ResNet-18 pretrained alike in one measure and worse in another "
            f"{SIZES}.",
        ),
        (
            [searched(HIGH), published(LOW, flops=8.1e7, params_million=1.5)],
            "SSNAS is better than ResNet-18 pretrained alike (40 M against 81 M multiply-adds an "
            "image, 250 k against 1.5 M parameters: not of similar size).",
        ),
    ],
)  # fmt: skip
def test_a_question_is_answered(rows, text):
    (said,) = of(*rows).said
    assert said.text == text


PAIR = "linear accuracy: pretrained {} %, with random weights {} %; "


@pytest.mark.parametrize(
    ("linear", "untrained", "text"),
    [
        (
            # t(0.975, 2) = 4.302653, times 1 / sqrt(3): 2.484; p = 1 - t / sqrt(t^2 + 2), t = 36.37
            (80, 82, 84), (60, 61, 62),
            PAIR.format("82.00", "61.00")
            + "21.00 points more (95 % interval of the difference 18.52 to 23.48, p = 0.00076)",
        ),
        (
            (60, 61, 62), (80, 82, 84),
            PAIR.format("61.00", "82.00")
            + "21.00 points less (95 % interval of the difference -23.48 to -18.52, p = 0.00076)",
        ),
        (
            (80,), (60,),
            PAIR.format("80.00", "60.00")
            + "with one seed on a side nothing is known of the noise",
        ),
        ((80, 60), (70, 70), PAIR.format("70.00", "70.00") + "the same"),
        (
            (80, 80), (60, 60),
            PAIR.format("80.00", "60.00")
            + "no seed differs from another, which leaves nothing to judge the difference by",
        ),
        (
            (51, 52), (48, 49),
            PAIR.format("51.50", "48.50")
            + "neither is better than guessing, which reaches up to 52.60 %",
        ),
        (
            (75, 60, 90), (70, 70, 70),
            PAIR.format("75.00", "70.00") + "within the noise between seeds (95 % interval of the "
            "difference -32.26 to 42.26, p = 0.62)",  # 5 -+ 4.302653 * 15 / sqrt(3)
        ),
        (
            (80, 81, 82), (79, 79.5, 80.1),
            PAIR.format("81.00", "79.53") + "the difference may be that of these 1,000 test images "
            "alone (95 % interval over draws of images -2.00 to 4.98)",
        ),
    ],
)  # fmt: skip
def test_what_a_measure_says(linear, untrained, text):
    (said,) = of(searched(linear, untrained)).said
    assert said.details == (text,)


def test_losses_of_candidates_without_labels():
    def said(one, other, **more):
        return of(searched(candidates=one, **more), drawn(candidates=other, **more)).said[0]

    told = said((2.0, 2.1), (3.0, 3.1))
    assert told.text == (
        "By contrastive loss, the searched cell (SSNAS) is better than a random one."
    )
    # t(0.975, 2) = 4.302653, times sqrt(2 * 0.005 / 2) = 0.0707
    assert told.details[0].startswith(
        "held-out contrastive loss of the candidates: SSNAS 2.0500 nats, Random 3.0500 nats; "
        "1.0000 nats less (95 % interval of the difference -1.3042 to -0.6958, p = 0.005"
    )
    assert said((3.0, 3.1), (2.0, 2.1)).verdict == "worse"
    assert said((2.0,), (3.0,)).text == (
        "By contrastive loss, whether the searched cell (SSNAS) is better than a random one cannot "
        "be told."
    )
    at_chance = said((4.84, 4.85), (4.9, 4.91), candidates_chance=4.844).details[0]
    assert at_chance.endswith("; both at chance (4.8440 nats, all images equally alike)")


def test_how_sure_it_is():
    assert of(searched(HIGH, LOW), drawn(NOISY)).sure == (
        "Better and worse mean beyond the noise between seeds: a two-sided test at 95 %, after "
        "Holm's correction for 2 tests, and beyond what the draw of 1,000 test images explains "
        "(Newcombe's interval, 95 %).",
        "All accuracies are of the same 1,000 test images: on other images like them each may "
        "differ by up to 3.1 points (95 %).",
    )
    assert len(of(searched((80,), (60,))).sure) == 1  # no test is made
    assert of(searched()).sure == ()
