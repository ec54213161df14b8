"""Sentences of the two papers that the results can answer: number, 95 % interval, verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stages.report.evidence.runs import Evidence
from stages.report.numbers.claims import (
    NEAR_ZERO,
    Collapse,
    Margin,
    TrainingError,
    collapses,
    margin,
    training_error,
)
from stages.report.numbers.claims_faunae import (
    SAME_SIZE,
    Eliminations,
    Kernels,
    Sizes,
    Speed,
    Starts,
    Transfer,
    Unstable,
    eliminations,
    kernels,
    sizes,
    speed,
    starts,
    transfer,
    unstable,
)
from stages.report.numbers.evolution import evolutions
from stages.report.numbers.rows import Comparison, Table
from stages.report.numbers.statistics import interval95, mean
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN

NONE = "–"  # noqa: RUF001
WORDS = {AGREES: "holds", DISAGREES: "does not hold", UNKNOWN: UNKNOWN}


@dataclass(frozen=True)
class Claim:
    """`ground` says what was counted."""

    source: str
    sentence: str
    number: str
    range: str
    verdict: str
    ground: str


def claims(tables: Sequence[Table], evidence: Evidence) -> list[Claim]:
    """All ten, in the order of the papers; those without any data are left out."""
    evolved = evolutions(evidence)
    answered = [
        *((of_collapse, found) for found in collapses(evidence)),
        (of_margin, margin(evidence)),
        (of_training_error, training_error(evidence)),
        (of_starts, starts(tables)),
        (of_kernels, kernels(evolved)),
        (of_sizes, sizes(evolved)),
        (of_eliminations, eliminations(evolved)),
        (of_speed, speed(evidence)),
        (of_unstable, unstable(tables)),
        (of_transfer, transfer(tables)),
    ]
    return [said(found) for said, found in answered if found is not None]


def of_collapse(found: Collapse) -> Claim:
    darts, ssnas = found.darts, found.ssnas
    return Claim(
        "SSNAS sec. 4.2",
        f"DARTS collapses to skip connections and SSNAS does not, on {found.data}",
        f"{darts.hits} of {darts.count} DARTS searches, {ssnas.hits} of {ssnas.count} of SSNAS",
        "; ".join(_percents(share.interval95) for share in (darts, ssnas)),
        WORDS[found.verdict],
        "first-order searches with more than two skip connections in the normal cell",
    )


def of_margin(found: Margin) -> Claim:
    asked = found.question
    return Claim(
        "SSNAS sec. 3.1",
        "A larger margin goes with better generalisation",
        f"τ {NONE}" if math.isnan(found.tau) else f"Kendall's τ {found.tau:+.2f}",
        _range(found.interval),
        WORDS[found.verdict],
        f"mean margin of {asked.architectures} architectures against {asked.metric}",
    )


def of_training_error(found: TrainingError) -> Claim:
    ends = found.interval
    return Claim(
        "SSNAS sec. 3.1",
        "All networks reach nearly zero training error; what differs is generalisation",
        f"training error {100 * found.mean_error:.1f} %, "
        f"gap to the test {100 * found.mean_gap:.1f} points",
        _range(ends and (100 * ends[0], 100 * ends[1]), ".1f"),
        WORDS[found.verdict],
        f"{len(found.errors)} retrained networks; nearly zero: {_percent(NEAR_ZERO)}",
    )


def of_starts(found: Starts) -> Claim:
    count = len(found.pairs)
    return Claim(
        "FaUNAE sec. IV.C.2",
        "The better the start, the better what evolves from it",
        f"{found.same_order} of {count} pairs of starts come in the same order",
        NONE,
        WORDS[found.verdict],
        f"linear accuracy; {found.told} of {count} pairs are apart at both ends",
    )


def of_kernels(found: Kernels) -> Claim:
    small, split = found.uniform
    return Claim(
        "FaUNAE sec. IV.E",
        "Small kernels and split attention are preferred",
        f"3x3 in {_percent(found.small.value)}, split attention in {_percent(found.split.value)}",
        "; ".join(_range(share.interval95, ".2f") for share in (found.small, found.split)),
        WORDS[found.verdict],
        f"{found.small.count} blocks of evolved chains; drawn uniformly: {_percent(small)} and "
        f"{_percent(split)}",
    )


def of_sizes(found: Sizes) -> Claim:
    return Claim(
        "FaUNAE sec. III.B",
        "The model's size is limited, and the FLOPs stay approximately the same",
        f"parameters times {mean(found.parameters):.2f} (at most {max(found.parameters):.2f}), "
        f"FLOPs times {mean(found.flops):.2f}",
        _range(interval95(found.flops), ".2f"),
        WORDS[found.verdict],
        f"{len(found.flops)} evolutions, start to end; approximately: within {_percent(SAME_SIZE)}",
    )


def of_eliminations(found: Eliminations) -> Claim:
    return Claim(
        "FaUNAE sec. III.D",
        "What is removed from the search space performs poorly",
        f"{found.hits.hits} of {found.hits.count} eliminations hit the present operation",
        _percents(found.hits.interval95),
        WORDS[found.verdict],
        f"drawn blindly: {_percent(found.blindly)}",
    )


def of_speed(found: Speed) -> Claim:
    one, two = found.proxyless, found.evolution
    return Claim(
        "FaUNAE table 2",
        "FaUNAE is faster than ProxylessNAS",
        f"ProxylessNAS takes {mean(one) / mean(two):.2f} times as long",
        _range((min(found.ratios), max(found.ratios)), ".2f") + " (all pairs)",
        WORDS[found.verdict],
        f"reported: 23.1 / 15.3 = 1.51; {len(one)} and {len(two)} searches on the same data",
    )


def of_unstable(found: Unstable) -> Claim:
    return Claim(
        "FaUNAE sec. IV.C.1",
        "The results on CIFAR-10 are unstable",
        f"standard deviation over searches {mean(found.deviations):.2f} points",
        "; ".join(f"± {width:.2f}" for width in found.widths) or NONE,
        WORDS[found.verdict],
        f"{len(found.deviations)} rows of {found.n} searches; told from three on: unstable if the "
        "mean is uncertain by more than a point",
    )


def of_transfer(found: Transfer) -> Claim:
    return Claim(
        "FaUNAE sec. IV.D",
        "Self-supervised pretraining beats supervised pretraining on VOC and COCO",
        "; ".join(map(_difference, found.comparisons)),
        NONE,
        WORDS[found.verdict],
        "as the tables compare the rows; a test needs two seeds of both",
    )


def _difference(comparison: Comparison) -> str:
    ahead, behind = comparison.ahead, comparison.behind
    return f"{ahead.label}: {ahead.result.mean - behind.result.mean:+.1f} {comparison.metric}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _percents(ends: tuple[float, float]) -> str:
    return f"{_percent(ends[0])} to {_percent(ends[1])}"


def _range(ends: tuple[float, float] | None, form: str = "+.2f") -> str:
    return NONE if ends is None else " to ".join(f"{end:{form}}" for end in ends)
