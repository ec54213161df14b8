"""Claims of FaUNAE (sec. III, IV) that its rows and genealogies can answer, in numbers; verdicts as
in `claims.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.report.evidence.runs import Evidence
from stages.report.numbers.evolution import Evolution, Size
from stages.report.numbers.rows import Comparison, Row, Table
from stages.report.numbers.statistics import Share, interval95, mean
from stages.report.numbers.verdicts import (
    AGREES,
    DISAGREES,
    UNKNOWN,
    all_of,
    holm,
    side,
    verdict,
    welch,
)

SAME_SIZE = 0.1  # FLOPs within a tenth are "approximately the same" (FaUNAE reports 0.94 and 0.99)
UNSTABLE = 1.0  # percentage points by which a mean is uncertain
STARTS = {  # rows of FaUNAE's table 2: the start and what evolved from it
    "Random": "FaUNAE (random)",
    "ResNet-50": "FaUNAE (ResNet-50)",
    "ProxylessNAS": "FaUNAE (ProxylessNAS)",
}


@dataclass(frozen=True)
class Pair:
    """Two starts: whether what evolved from them comes in their order, and the p of either
    difference, adjusted for their number."""

    same_order: bool
    adjusted: tuple[float | None, ...]

    @property
    def told(self) -> bool:
        return all(verdict(p, as_reported=True) != UNKNOWN for p in self.adjusted)


@dataclass(frozen=True)
class Starts:
    """Sec. IV.C.2, table 2."""

    pairs: tuple[Pair, ...]

    @property
    def same_order(self) -> int:
        return sum(pair.same_order for pair in self.pairs)

    @property
    def told(self) -> int:
        return sum(pair.told for pair in self.pairs)

    @property
    def verdict(self) -> str:
        if self.told < len(self.pairs):
            return UNKNOWN
        return AGREES if self.same_order == len(self.pairs) else DISAGREES


@dataclass(frozen=True)
class Kernels:
    """Sec. IV.E: among the operations of evolved chains that are convolutions."""

    small: Share
    split: Share
    uniform = 1 / 2, 2 / 3  # their shares in uniform draws

    @property
    def verdict(self) -> str:
        shares = zip((self.small, self.split), self.uniform, strict=True)
        return all_of(side(share.interval95, value) for share, value in shares)


@dataclass(frozen=True)
class Sizes:
    """Sec. III.B, IV.C.2: the end's parameters and FLOPs in those of the start, per evolution."""

    parameters: tuple[float, ...]
    flops: tuple[float, ...]

    @property
    def verdict(self) -> str:
        return side(interval95([SAME_SIZE - abs(ratio - 1) for ratio in self.flops]))


@dataclass(frozen=True)
class Eliminations:
    """Sec. III.D: those that hit the present operation, which was kept as good, and the share that
    would if they were drawn blindly."""

    hits: Share
    blindly: float

    @property
    def verdict(self) -> str:
        low, high = self.hits.interval95
        return side((-high, -low), -self.blindly)


@dataclass(frozen=True)
class Speed:
    """Table 2: GPU-days of searches on the same data."""

    proxyless: tuple[float, ...]
    evolution: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Of all pairs."""
        return [one / two for one in self.proxyless for two in self.evolution if two > 0]

    @property
    def verdict(self) -> str:
        """All pairs must say the same."""
        least, most = min(self.ratios), max(self.ratios)
        return AGREES if least > 1 else DISAGREES if most < 1 else UNKNOWN


@dataclass(frozen=True)
class Unstable:
    """Sec. IV.C.1, table 1: standard deviations over searches of each row, and by how much their
    means are uncertain (of those with an interval), in points."""

    n: int  # searches of a row
    deviations: tuple[float, ...]
    widths: tuple[float, ...]

    @property
    def verdict(self) -> str:
        if len(self.widths) < len(self.deviations):
            return UNKNOWN
        return AGREES if min(self.widths) > UNSTABLE else DISAGREES


@dataclass(frozen=True)
class Transfer:
    """Sec. IV.D: every self-supervised row against the supervised one of its table, as the tables
    compare them."""

    comparisons: tuple[Comparison, ...]

    @property
    def verdict(self) -> str:
        return all_of(one.verdict for one in self.comparisons)


def starts(tables: Iterable[Table]) -> Starts | None:
    """None unless two starts and what evolved from them were made."""
    made = _made(tables, "table2", method="MoCo v2")
    pairs = [
        (_values(made[start]), _values(made[evolved]))
        for start, evolved in STARTS.items()
        if start in made and evolved in made
    ]
    compared = list(itertools.combinations(pairs, 2))
    if not compared:
        return None
    tests = [welch(one[end], two[end]) for one, two in compared for end in (0, 1)]
    adjusted = holm(tests)
    found = []
    for place, (one, two) in enumerate(compared):
        before, after = (mean(one[end]) - mean(two[end]) for end in (0, 1))
        found.append(Pair(before * after > 0, tuple(adjusted[2 * place : 2 * place + 2])))
    return Starts(tuple(found))


def kernels(evolutions: Iterable[Evolution]) -> Kernels | None:
    """None if no chain of blocks has evolved."""
    found = [name for one in evolutions for name in one.blocks if name != "identity"]
    if not found:
        return None
    small, split = (
        sum("3x3" in name for name in found),
        sum(name.startswith("sa_") for name in found),
    )
    return Kernels(Share(small, len(found)), Share(split, len(found)))


def sizes(evolutions: Iterable[Evolution]) -> Sizes | None:
    """None if no genealogy has sizes."""
    pairs: list[tuple[Size, Size]] = [
        (one.start, one.end) for one in evolutions if one.start and one.end
    ]
    if not pairs:
        return None
    return Sizes(
        tuple(end.parameters / start.parameters for start, end in pairs),
        tuple(end.flops / start.flops for start, end in pairs),
    )


def eliminations(evolutions: Iterable[Evolution]) -> Eliminations | None:
    """None if nothing was eliminated."""
    hits = count = 0
    chance: list[float] = []
    for evolution in evolutions:
        left: dict[int, int] = {}
        for epoch in evolution.epochs:
            base = epoch.former
            for drop in epoch.dropped:
                count += 1
                hits += base[drop.place] == drop.operation
                left[drop.place] = left.get(drop.place, 1) + 1
        chance += [1 / k for last in left.values() for k in range(2, last + 1)]
    return Eliminations(Share(hits, count), mean(chance)) if count else None


def speed(evidence: Evidence) -> Speed | None:
    """On the first data set on which both have searched."""
    days: dict[str, dict[str, list[float]]] = {}
    for run, line in evidence.lines["search"].items():
        metrics, cost = evidence.metrics("search", run) or {}, evidence.cost("search", run)
        kind = metrics.get("strategy")
        if cost and (kind == "proxyless" or (kind == "evolution" and "blocks" in line["space"])):
            days.setdefault(line["data"], {}).setdefault(kind, []).append(cost.gpu_days)
    for found in days.values():
        if len(found) == 2:
            both = Speed(tuple(found["proxyless"]), tuple(found["evolution"]))
            return both if both.ratios else None
    return None


def unstable(tables: Iterable[Table]) -> Unstable | None:
    """Of the rows of several searches."""
    rows = [row for row in _made(tables, "table1").values() if row.here.several_searches]
    results = [result for row in rows for result in row.here.results.values()]
    deviations = tuple(result.std for result in results if result.std is not None)
    if not deviations:
        return None
    ends = [result.interval95 for result in results if result.interval95]
    return Unstable(rows[0].here.n, deviations, tuple((high - low) / 2 for low, high in ends))


def transfer(tables: Iterable[Table]) -> Transfer | None:
    """None if no self-supervised row was made beside the supervised one."""
    found = tuple(
        comparison
        for table in tables
        if table.name in ("faunae.table3", "faunae.table4")
        for comparison in table.comparisons
        if comparison.behind and _supervised(comparison.behind.row)
    )
    return Transfer(found) if found else None


def _supervised(row: Row) -> bool:
    return row.reported.method == "supervised"


def _made(tables: Iterable[Table], name: str, method: str | None = None) -> dict[str, Row]:
    """The rows of one of FaUNAE's tables that were made, of one method if it is given."""
    return {
        row.reported.row: row
        for table in tables
        if table.name == f"faunae.{name}"
        for row in table.made
        if method is None or row.reported.method == method
    }


def _values(row: Row) -> Sequence[float]:
    """Of a table with one metric."""
    return row.here.of(next(iter(row.here.results)))
