"""The table of your own boxes as records: JSON, CSV by lines, and the headline."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stages.report.numbers.own_boxes import METRICS, START, BoxesTable
from stages.report.text.own_boxes import notes
from stages.report.text.records import duel_record


def boxes_json(table: BoxesTable) -> dict[str, Any]:
    """own_boxes.json: precisions in percent."""
    return {
        "scale": table.scale,
        "commit": table.commit,
        "data": table.data,
        "layout": table.layout,
        "images": table.images,
        "dropped_boxes": len(table.dropped),
        "test_images_pretrained_on": table.pretrained_on,
        "note": " ".join(notes(table)),
        "rows": [
            {
                "row": row.row,
                "runs": {start: list(runs) for start, runs in row.runs.items()},
                "iterations": row.iterations,
                "images_per_batch": row.images_per_batch,
                "params_million": row.params_million,
                "seconds": row.seconds,
                **{
                    start: {m: asdict(row.spread(start, m)) | {"values": list(row.values[start][m])}
                            for m in METRICS}
                    for start in START
                },
            }
            for row in table.rows
        ],
        "classes": [
            {
                "class": one.name,
                "train_boxes": one.train,
                "test_boxes": one.test,
                "precisions": {
                    row.row: {start: row.classes[start].get(one.name) for start in START}
                    for row in table.rows
                },
            }
            for one in table.classes
        ],
        "comparisons": [duel_record(duel) for duel in table.duels],
    }  # fmt: skip


def boxes_lines(table: BoxesTable) -> list[dict[str, Any]]:
    """own_boxes.csv: a flat mapping per network, start and class; of all classes together, `class`
    is empty."""
    return [
        {"row": row.row, "start": start, "class": name, "train_boxes": train, "test_boxes": test,
         "n": len(row.runs[start]), **{metric: of[metric] for metric in METRICS}}
        for row in table.rows
        for start in START
        for name, train, test, of in [
            ("", sum(c.train for c in table.classes), sum(c.test for c in table.classes),
             {metric: row.spread(start, metric).mean for metric in METRICS}),
            *((c.name, c.train, c.test, row.classes[start].get(c.name, dict.fromkeys(METRICS)))
              for c in table.classes),
        ]
    ]  # fmt: skip


def boxes_headline(table: BoxesTable) -> dict[str, Any]:
    """For metrics.json: row -> precisions in percent."""
    return {
        row.row: {
            metric if start == START[0] else f"{metric}_{start}": row.spread(start, metric).mean
            for metric in METRICS
            for start in START
        }
        for row in table.rows
    }
