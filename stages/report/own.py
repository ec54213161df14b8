"""Your own images: what was found in them, and the best network in a folder of its own.

There is no paper to compare with: rows have what the runs measured, without a reported column.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nassl.files import InputError, read_json, write_json
from stages.report.settings import OwnRow
from stages.report.statistics import deviation, mean

TABLE, BEST = "own", "best"
ENDINGS = ("json", "csv", "md")
PERCENT = ("linear_accuracy", "linear_accuracy_untrained", "knn_accuracy", "knn_accuracy_untrained")


def collect_own(rows: list[OwnRow], scale: str, results: Path, commit: str) -> dict[str, Any]:
    """The table `own`: losses in nats, accuracies in percent; `best` names the best network.

    The best network has the selection with the lowest contrastive loss on held-out images and, of
    its seeds, the lowest loss of pretraining: no label is read. Raises InputError if a run is
    missing or lacks a value.
    """
    content = [_row(row, results) for row in rows]
    judged = [
        (row["selected_contrastive_loss"], seed["final_loss"], seed["run"], row["row"])
        for row in content
        if row["selected_contrastive_loss"] is not None
        for seed in row["pretrained"]
    ]
    best = None
    if judged:
        names = ("selected_contrastive_loss", "final_loss", "run", "row")
        best = dict(zip(names, min(judged), strict=True))
    return {"scale": scale, "commit": commit, "rows": content, "best": best}


def _row(row: OwnRow, results: Path) -> dict[str, Any]:
    trained = [_read(results, run) for run in row.pretrained]
    runs = [_read(results, run) for run in row.runs]
    selected = _read(results, row.selection, "score") if row.selection[:7] == "select/" else None
    seeds = zip(row.pretrained, trained, strict=True)
    spent = dict.fromkeys([*row.searches, *row.pretrained, *row.runs])
    return {
        "row": row.row,
        "data": row.data,
        "runs": row.runs,
        "note": "",
        "n": len(runs),
        "selected_contrastive_loss": selected["score"] if selected else None,
        "pretrained": [{"run": run, "final_loss": found["final_loss"]} for run, found in seeds],
        "final_loss": mean([found["final_loss"] for found in trained]),
        "n_trained_on": trained[0]["n_trained_on"],
        "n_tested_on": runs[0].get("n", 0),
        "params_million": trained[0]["params"] / 1e6,
        "flops": trained[0]["flops"],
        "seconds": sum(read_json(results / run / "cost.json")["seconds"] for run in spent),
        **{
            key: {"mean": mean(values), "std": deviation(values)}
            for key in PERCENT
            if len(values := [100 * run[key] for run in runs if key in run]) == len(runs)
        },
    }


def _read(results: Path, run: str, needed: str = "seed") -> dict[str, Any]:
    file = results / run / "metrics.json"
    metrics = read_json(file)
    if needed not in metrics:
        raise InputError(f"{file} has no {needed!r}; it has: {', '.join(sorted(metrics))}")
    return metrics


def own_page(table: dict[str, Any]) -> str:
    """The table in Markdown."""
    best, cells = table["best"], []
    for row in table["rows"]:
        cells.append(
            {
                "network": row["row"],
                "n": row["n"],
                "held-out contrastive loss": _number(row["selected_contrastive_loss"]),
                "pretraining loss": _number(row["final_loss"]),
                **{key.replace("_", " "): _spread(row[key]) for key in PERCENT if key in row},
                "params (M)": f"{row['params_million']:.3g}",
                "GFLOPs": f"{row['flops'] / 1e9:.3g}",
                "time (s)": f"{row['seconds']:.0f}",
                **({"note": row["note"]} if row.get("note") else {}),
            }
        )
    tested = table["rows"][0]["n_tested_on"]
    text = [
        "## Own images\n",
        f"Scale {table['scale']}, commit {table['commit']}. Trained on "
        f"{table['rows'][0]['n_trained_on']} images without labels"
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
            f"Best network, chosen without labels: {best['row']}, `{best['run']}`; weights and "
            f"genotype are in `{BEST}/`.\n"
        )
    return "\n".join(text)


def tested_images(table: dict[str, Any]) -> str:
    """What the accuracies were measured on, without the number of images."""
    notes = dict.fromkeys(row["note"] for row in table["rows"] if row.get("note"))
    return f"test images ({'; '.join(notes)})" if notes else "images that nothing was trained on"


def write_own(table: dict[str, Any] | None, results: Path, out: Path) -> None:
    """`own.{json,csv,md}` and `best/`: weights.safetensors, genotype.json and model.json, which
    `nassl.load` reads, and network.json (which run it is, and its losses). Without a table, those
    of an earlier plan are removed."""
    shutil.rmtree(out / BEST, ignore_errors=True)
    for ending in ENDINGS:
        (out / f"{TABLE}.{ending}").unlink(missing_ok=True)
    if table is None:
        return
    write_json(out / f"{TABLE}.json", table)
    (out / f"{TABLE}.md").write_text(own_page(table), encoding="utf-8")
    flat = [
        {key: value["mean"] if isinstance(value, dict) else value for key, value in row.items()}
        for row in (
            {k: v for k, v in row.items() if k not in ("pretrained", "runs")}
            for row in table["rows"]
        )
    ]
    with (out / f"{TABLE}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(flat[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
    if best := table["best"]:
        (out / BEST).mkdir()
        for name in ("weights.safetensors", "genotype.json", "model.json"):
            shutil.copyfile(results / best["run"] / name, out / BEST / name)
        write_json(out / BEST / "network.json", best)


def own_headline(table: dict[str, Any]) -> dict[str, Any]:
    """For metrics.json: row -> accuracies in percent and losses in nats."""
    keys = ("selected_contrastive_loss", "final_loss")
    return {
        row["row"]: {key: row[key] for key in keys if row[key] is not None}
        | {key: row[key]["mean"] for key in PERCENT if key in row}
        for row in table["rows"]
    }


def _spread(value: dict[str, Any]) -> str:
    return f"{value['mean']:.2f}" + ("" if value["std"] is None else f" ± {value['std']:.2f}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
