"""Words that the Markdown tables and the page share."""

from __future__ import annotations

from typing import Any

from stages.report.statistics import apart

TITLES = {"ssnas": "SSNAS", "faunae": "FaUNAE"}

# The column of that name, for every kind of row; the page gives it in the unit that fits.
TRAINING = (
    "Training: time of all seeds' training and evaluation, and of the training of the weights that "
    "they evaluate or start from; every run once."
)

SCALES = {
    "smoke": "only shows that every stage runs; its numbers mean nothing",
    "toy": "stand-in data and small networks, trained for minutes: it shows that every step works "
    "and that learning happens; its numbers cannot be compared with the reported ones",
    "lab": "settings sized for one machine: its numbers can be compared with each other, and with "
    "the reported ones only with the shorter training in mind",
    "paper": "the papers' own data, networks and training: its numbers can be compared with the "
    "reported ones, but for what the papers do not say or what is done otherwise, which is listed "
    "under “Decisions”",
}


def title(table: dict[str, Any]) -> str:
    return f"{table['paper']} {table['table']}: {table['title']}"


def metrics_of(table: dict[str, Any]) -> str:
    """`Linear accuracy, semi supervised accuracy, %`."""
    metrics = table["metric"] if isinstance(table["metric"], list) else [table["metric"]]
    text = ", ".join(metric.replace("_", " ") for metric in metrics)
    return f"{text[0].upper()}{text[1:]}, %"


def spread(found: dict[str, Any]) -> str:
    """`mean ± standard deviation`, the mean alone of one seed, `-` of none."""
    if found["mean"] is None:
        return "-"
    return f"{found['mean']:.2f}" + ("" if found["std"] is None else f" ± {found['std']:.2f}")


def interval(line: dict[str, Any]) -> str:
    low, high = line["interval95_low"], line["interval95_high"]
    return "-" if low is None else f"{low:.2f} to {high:.2f}"


def disagreements(table: dict[str, Any]) -> list[str]:
    """A sentence for every comparison that comes out otherwise than in the paper."""
    sentences = []
    for entry in table["ordering"]["against_paper"]:
        metric = entry["metric"].replace("_", " ")
        if "row" in entry:
            row = entry["row"]
            sentences.append(f"{row['row']}: reported {row['reported']:+.2f}, here {spread(row)}")
            continue
        ahead, behind = entry["ahead_in_paper"], entry["behind_in_paper"]
        sentences.append(
            f"{metric}: the paper has {ahead['row']} ahead of {behind['row']} "
            f"({ahead['reported']:.2f} against {behind['reported']:.2f}); here "
            f"{spread(ahead)} against {spread(behind)}"
            + ("" if apart(entry) else ", less than one standard deviation apart")
        )
    return sentences
