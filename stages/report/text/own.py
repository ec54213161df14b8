"""Your own images: what the table's Markdown and the page say of them.

Files, runs and folders are written in `backticks`.
"""

from __future__ import annotations

from tabulate import tabulate

from stages.report.numbers.own import OwnTable
from stages.report.numbers.own_training import in_unit
from stages.report.text.data import leaks
from stages.report.text.own_verdict import Verdict
from stages.report.text.wording import duration, quantity, spread, words

BEST = "best"  # the folder of the best network


# What results of a scale are worth, without any paper to compare with.
SCALES = {
    "smoke": "This is the smoke scale, which only shows that every stage runs: its numbers mean "
    "nothing.",
    "toy": "This is the toy scale, which trains small networks for minutes: expect little of them.",
}


def own_page(table: OwnTable, found: Verdict) -> str:
    """All of it in Markdown."""
    body = tabulate(cells(table), headers="keys", tablefmt="github", disable_numparse=True)
    source = f"Scale: {table.scale}. Source: {table.commit}."
    text = ["## Own images", source, f"**{found.headline}**", SCALES.get(table.scale), _list(found)]
    text += [about(table), body, best(table)]
    return "\n\n".join(filter(None, text)) + "\n"


def _list(found: Verdict) -> str:
    lines = [f"- {' '.join([said.text, *map(_sentence, said.details)])}" for said in found.said]
    lines += [f"- {text}" for text in found.sure]
    return "\n".join([*lines, *(f"- Next: {step}" for step in found.steps)])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def lead(table: OwnTable) -> str:
    """The first sentence of the page."""
    count = table.rows[0].n_trained_on
    return f"Architectures searched, selected and pretrained without labels on {count:,} images."


def about(table: OwnTable) -> str:
    """What the networks were made from and measured on."""
    first = table.rows[0]
    text = f"Searched, selected and pretrained without labels on {first.n_trained_on:,} images"
    if not first.n_tested_on:
        return f"{text}; without class folders there are no accuracies."
    notes = dict.fromkeys(note for row in table.rows if (note := leaks(row.leaks)))
    tested = f"test images ({'; '.join(notes)})" if notes else "images that nothing was trained on"
    return (
        f"{text}; accuracies (%) are of {first.n_tested_on:,} {tested}, mean ± sample standard "
        "deviation over n seeds; untrained is the same network with random weights."
    )


def cells(table: OwnTable) -> list[dict[str, str]]:
    """A mapping from column to cell per row."""
    noted = any(row.leaks for row in table.rows)
    pretraining = in_unit("pretraining loss", (row.loss_unit for row in table.rows))
    return [
        {
            "network": row.row,
            "n": str(row.n),
            "held-out contrastive loss (nats)": _loss(row.selected_contrastive_loss),
            pretraining: _loss(row.final_loss),
            **{words(key): spread(row.accuracies.get(key)) for key in table.measured},
            "parameters": quantity(row.params_million, 1e6).strip(),
            "FLOPs": quantity(row.flops).strip(),
            "time": duration(row.seconds),
            **({"note": leaks(row.leaks)} if noted else {}),
        }
        for row in table.rows
    ]


def best(table: OwnTable) -> str:
    """Which network is the best, and where it is; nothing if none was selected."""
    if table.best is None:
        return ""
    return (
        f"Best network, chosen without labels: {table.best.row} (`{table.best.run}`); its weights "
        f"and its genotype are in `tables/{BEST}/`."
    )


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
