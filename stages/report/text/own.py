"""Your own images: the table in Markdown, and what both it and the page say."""

from __future__ import annotations

from tabulate import tabulate

from stages.report.numbers.own import OwnTable
from stages.report.text.data import leaks
from stages.report.text.wording import spread, words

BEST = "best"  # the folder of the best network


def own_page(table: OwnTable) -> str:
    """The table in Markdown."""
    best, cells = table.best, []
    for row in table.rows:
        note = leaks(row.leaks)
        cells.append(
            {
                "network": row.row,
                "n": row.n,
                "held-out contrastive loss": _number(row.selected_contrastive_loss),
                "pretraining loss": _number(row.final_loss),
                **{words(key): spread(row.accuracies.get(key)) for key in table.measured},
                "params (M)": f"{row.params_million:.3g}",
                "GFLOPs": f"{row.flops / 1e9:.3g}",
                "time (s)": f"{row.seconds:.0f}",
                **({"note": note} if note else {}),
            }
        )
    tested = table.rows[0].n_tested_on
    text = [
        "## Own images\n",
        f"Scale {table.scale}, commit {table.commit}. Trained on "
        f"{table.rows[0].n_trained_on} images without labels"
        + (
            f"; accuracies in percent on {tested} {tested_images(table)}: mean ± standard "
            "deviation over n seeds. Untrained: the same network with random weights.\n"
            if tested
            else "; without class folders there are no accuracies.\n"
        ),
        tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True) + "\n",
    ]
    if best:
        text.append(
            f"Best network, chosen without labels: {best.row}, `{best.run}`; weights and "
            f"genotype are in `{BEST}/`.\n"
        )
    return "\n".join(text)


def tested_images(table: OwnTable) -> str:
    """What the accuracies were measured on, without the number of images."""
    found = dict.fromkeys(note for row in table.rows if (note := leaks(row.leaks)))
    return f"test images ({'; '.join(found)})" if found else "images that nothing was trained on"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
