"""Claims of FaUNAE (sec. III, IV), answered from its rows and genealogies."""

from __future__ import annotations

import itertools
from typing import Any

from nassl.files import read_json
from stages.report.evidence import Evidence
from stages.report.genealogy import former
from stages.report.intervals import of_difference, of_share
from stages.report.statistics import interval95, mean
from stages.report.verdicts import FAILS, HOLDS, NONE, OPEN, Claim, judged, percent, range_text

SAME_SIZE = 0.1  # FLOPs within a tenth are "approximately the same" (FaUNAE reports 0.94 and 0.99)
STARTS = {  # rows of FaUNAE's table 2: the start and what evolved from it
    "Random": "FaUNAE (random)",
    "ResNet-50": "FaUNAE (ResNet-50)",
    "ProxylessNAS": "FaUNAE (ProxylessNAS)",
}


def faunae_claims(rows: dict[Any, dict[str, Any]], evidence: Evidence) -> list[Claim | None]:
    """`rows` are those that were made, by table, row and method."""
    genealogies = _genealogies(evidence)
    return [
        _starts(rows),
        _kernels(genealogies),
        _sizes(genealogies),
        _eliminations(genealogies),
        _speed(evidence),
        _unstable(rows),
        _transfer(rows),
    ]


def _genealogies(evidence: Evidence) -> list[dict[str, Any]]:
    files = [evidence.folder("search", run) / "genealogy.json" for run in evidence.lines["search"]]
    return [read_json(file) for file in files if file.exists()]


def _values(row: dict[str, Any], metric: str | None = None) -> list[float]:
    values = [seed["value"] for seed in row["seeds"]]
    return [value[metric] if metric else value for value in values]


def _starts(rows: dict[Any, dict[str, Any]]) -> Claim | None:
    """Sec. IV.C.2: pairs of starts of which the better one ends better."""
    table = "faunae.table2"
    pairs = [
        (rows[table, start, "MoCo v2"], rows[table, evolved, "MoCo v2"])
        for start, evolved in STARTS.items()
        if (table, start, "MoCo v2") in rows and (table, evolved, "MoCo v2") in rows
    ]
    if len(pairs) < 2:
        return None
    agree, apart = 0, []
    compared = list(itertools.combinations(pairs, 2))
    for one, two in compared:
        signs = [mean(_values(one[k])) - mean(_values(two[k])) for k in (0, 1)]
        agree += signs[0] * signs[1] > 0
        found = [of_difference(_values(one[k]), _values(two[k])) for k in (0, 1)]
        apart.append(all(judged(entry, 0.0) != OPEN for entry in found))
    told = all(apart)
    return Claim(
        "FaUNAE sec. IV.C.2",
        "The better the start, the better what evolves from it",
        f"{agree} of {len(compared)} pairs of starts come in the same order",
        NONE,
        (HOLDS if agree == len(compared) else FAILS) if told else OPEN,
        f"linear accuracy; {sum(apart)} of {len(compared)} pairs are apart at both ends",
    )


def _kernels(genealogies: list[dict[str, Any]]) -> Claim | None:
    """Sec. IV.E: against the uniform share of each among the operations that are convolutions."""
    found = [
        block["operation"]
        for genealogy in genealogies
        if genealogy.get("final", {}).get("space") == "block"
        for block in genealogy["final"]["blocks"]
        if block["operation"] != "identity"
    ]
    if not found:
        return None
    small, split = sum("3x3" in name for name in found), sum(n.startswith("sa_") for n in found)
    ranges = of_share(small, len(found)), of_share(split, len(found))
    verdicts = {judged(ranges[0], 1 / 2), judged(ranges[1], 2 / 3)}
    return Claim(
        "FaUNAE sec. IV.E",
        "Small kernels and split attention are preferred",
        f"3x3 in {percent(small / len(found))}, split attention in {percent(split / len(found))}",
        "; ".join(range_text(ends, "{:.2f}") for ends in ranges),
        verdicts.pop() if len(verdicts) == 1 else FAILS if FAILS in verdicts else OPEN,
        f"{len(found)} blocks of evolved chains; drawn uniformly: 50 % and 67 %",
    )


def _sizes(genealogies: list[dict[str, Any]]) -> Claim | None:
    """Sec. III.B, IV.C.2: the end's parameters and FLOPs in those of the start."""
    pairs = [(g["initial_size"], g["final_size"]) for g in genealogies if "final_size" in g]
    if not pairs:
        return None
    size, work = (
        [end[key] / start[key] for start, end in pairs] for key in ("parameters", "flops")
    )
    within = [SAME_SIZE - abs(ratio - 1) for ratio in work]
    found = interval95(within)
    return Claim(
        "FaUNAE sec. III.B",
        "The model's size is limited, and the FLOPs stay approximately the same",
        f"parameters times {mean(size):.2f} (at most {max(size):.2f}), "
        f"FLOPs times {mean(work):.2f}",
        range_text(None if not (ends := interval95(work)) else (ends[0], ends[1]), "{:.2f}"),
        judged(None if found is None else (found[0], found[1]), 0.0),
        f"{len(pairs)} evolutions, start to end; approximately: within {percent(SAME_SIZE)}",
    )


def _eliminations(genealogies: list[dict[str, Any]]) -> Claim | None:
    """Sec. III.D: an elimination that hits the present operation removes what was kept as good."""
    hits = count = 0
    chance = []
    for genealogy in genealogies:
        left: dict[int, int] = {}
        for entry in genealogy["epochs"]:
            base = former(entry)
            for drop in entry["dropped"]:
                count += 1
                hits += base[drop["place"]] == drop["operation"]
                left[drop["place"]] = left.get(drop["place"], 1) + 1
        chance += [1 / k for last in left.values() for k in range(2, last + 1)]
    if not count:
        return None
    found, random = of_share(hits, count), mean(chance)
    below = judged((-found[1], -found[0]), -random)
    return Claim(
        "FaUNAE sec. III.D",
        "What is removed from the search space performs poorly",
        f"{hits} of {count} eliminations hit the present operation",
        f"{percent(found[0])} to {percent(found[1])}",
        below,
        f"drawn blindly: {percent(random)}",
    )


def _speed(evidence: Evidence) -> Claim | None:
    """Table 2: GPU-days of ProxylessNAS on the target in those of an evolution (23.1 / 15.3)."""
    days: dict[str, dict[str, list[float]]] = {}
    for run, line in evidence.lines["search"].items():
        metrics, cost = evidence.metrics("search", run) or {}, evidence.cost("search", run)
        kind = metrics.get("strategy")
        if cost and (kind == "proxyless" or (kind == "evolution" and "blocks" in line["space"])):
            days.setdefault(line["data"], {}).setdefault(kind, []).append(cost["gpu_days"])
    both = next((found for found in days.values() if len(found) == 2), None)
    if both is None:
        return None
    one, two = both["proxyless"], both["evolution"]
    ratios = [a / b for a in one for b in two if b > 0]
    if not ratios:
        return None
    verdict = HOLDS if min(ratios) > 1 else FAILS if max(ratios) < 1 else OPEN
    return Claim(
        "FaUNAE table 2",
        "FaUNAE is faster than ProxylessNAS",
        f"ProxylessNAS takes {mean(one) / mean(two):.2f} times as long",
        range_text((min(ratios), max(ratios)), "{:.2f}") + " (all pairs)",
        verdict,
        f"reported: 23.1 / 15.3 = 1.51; {len(one)} and {len(two)} searches on the same data",
    )


def _unstable(rows: dict[Any, dict[str, Any]]) -> Claim | None:
    """Sec. IV.C.1: spread over search seeds, told if a mean is uncertain by more than a point."""
    found = [row for key, row in rows.items() if key[0] == "faunae.table1" and row.get("best")]
    if not found:
        return None
    widths = [(high - low) / 2 for low, high in (row["interval95"] for row in found
                                                 if row["interval95"])]  # fmt: skip
    spread = mean([row["reproduced"]["std"] for row in found])
    verdict = OPEN if len(widths) < len(found) else HOLDS if min(widths) > 1 else FAILS
    return Claim(
        "FaUNAE sec. IV.C.1",
        "The results on CIFAR-10 are unstable",
        f"standard deviation over searches {spread:.2f} points",
        "; ".join(f"± {width:.2f}" for width in widths) or NONE,
        verdict,
        f"{len(found)} rows of {found[0]['n']} searches; told from three on: unstable if the mean "
        "is uncertain by more than a point",
    )


def _transfer(rows: dict[Any, dict[str, Any]]) -> Claim | None:
    """Sec. IV.D: every self-supervised row against the supervised one of its table."""
    texts, verdicts = [], []
    for table, metric in (("faunae.table3", "AP"), ("faunae.table4", "AP_box")):
        supervised = rows.get((table, "ResNet-50", "supervised"))
        for key, row in rows.items():
            if supervised and key[0] == table and key[2] != "supervised":
                ours, theirs = _values(row, metric), _values(supervised, metric)
                texts.append(f"{key[1]}, {key[2]}: {mean(ours) - mean(theirs):+.1f} {metric}")
                verdicts.append(judged(of_difference(ours, theirs), 0.0))
    if not texts:
        return None
    told = set(verdicts)
    return Claim(
        "FaUNAE sec. IV.D",
        "Self-supervised pretraining beats supervised pretraining on VOC and COCO",
        "; ".join(texts),
        NONE,
        FAILS if FAILS in told else HOLDS if told == {HOLDS} else OPEN,
        "an interval needs two seeds of both",
    )
