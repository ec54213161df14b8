"""Words that several sections share, and numbers as text."""

from __future__ import annotations

from stages.report.numbers.rows import Result, Spread, Table

TITLES = {"ssnas": "SSNAS", "faunae": "FaUNAE"}

# How to read the columns of a table.
COLUMNS = (
    "Values are percentages: mean ± sample standard deviation over n seeds of the final training, "
    "no seed left out and none picked; the 95 % interval of the mean (Student's t) is given from "
    "three seeds on. Of several searches the best result is shown beside their mean, as FaUNAE "
    "reports it. The difference is here \N{MINUS SIGN} reported. Search: device time of all the "
    "searches that the row took. Training: time of all seeds' training and evaluation, and of the "
    "training of the weights that they evaluate or start from; every run once. Parameters and "
    "FLOPs (multiply-adds of one image): of the backbone, without classifier or head. Untrained: "
    "the same network with random weights."
)

SCALES = {
    "smoke": "only shows that every stage runs; its numbers mean nothing",
    "toy": "stand-in data and small networks, trained for minutes: it shows that every step works "
    "and that learning happens; its numbers cannot be compared with the reported ones",
    "study": "stand-in data and small networks, many of them with several seeds: its answers have "
    "intervals, and are about these data and sizes",
    "study-cifar10": "a tenth of CIFAR-10 and small networks with several seeds: its answers have "
    "intervals, and are about this size",
    "study-cifar10-gpu": "a tenth of CIFAR-10 and small networks with several seeds: its answers "
    "have intervals, and are about this size",
    "lab": "settings sized for one machine: its numbers can be compared with each other, and with "
    "the reported ones only with the shorter training in mind",
    "paper": "the papers' own data, networks and training: its numbers can be compared with the "
    "reported ones, but for what the papers do not say or what is done otherwise, which is listed "
    "under “Decisions”",
}


def meaning(scale: str) -> str:
    return SCALES.get(scale, "a custom scale: see params.yaml for its settings")


def words(key: str) -> str:
    """`linear accuracy` for linear_accuracy."""
    return key.replace("_", " ")


def points(value: float) -> str:
    """`1 point`, `1.9 points`: of percent, in two digits."""
    text = f"{value:.2g}"
    return f"{text} point{'' if text == '1' else 's'}"


def compared(count: int) -> str:
    """`1 comparison`, `3 comparisons`."""
    return f"{count} comparison{'' if count == 1 else 's'}"


def title(table: Table) -> str:
    return f"{table.paper.paper} {table.paper.table}: {table.paper.title}"


def metrics_of(table: Table) -> str:
    """`Linear accuracy, semi supervised accuracy, %`."""
    text = ", ".join(map(words, table.metrics))
    return f"{text[0].upper()}{text[1:]}, %"


def spread(found: Spread | None) -> str:
    """`mean ± standard deviation`, the mean alone of one seed, `-` of none."""
    if found is None:
        return "-"
    return f"{found.mean:.2f}" + ("" if found.std is None else f" ± {found.std:.2f}")


def best(result: Result | None) -> str:
    """` (best 50.00)` of several searches, otherwise nothing."""
    return "" if result is None or result.best is None else f" (best {result.best:.2f})"


def interval(result: Result | None) -> str:
    if result is None or result.interval95 is None:
        return "-"
    low, high = result.interval95
    return f"{low:.2f} to {high:.2f}"


def quantity(value: float | None, unit: float = 1.0) -> str:
    """`34.2 k`, `3.35 M`, `4.11 G`: three digits; nothing for None."""
    if value is None:
        return ""
    amount = value * unit
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g} {letter}"
    return f"{amount:.3g} "


def duration(seconds: float) -> str:
    """`0 s`, `42 s`, `12 min`, `3.4 h`, `51 d`: two digits are enough to compare."""
    if seconds < 0.05:
        return "0 s"
    for unit, size, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < limit:
            amount = seconds / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{seconds / 86400:.1f} d"
