"""The tables as records: JSON of a whole table, CSV by lines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stages.report.evidence.reported import identity
from stages.report.numbers.headline import in_percent, of_metrics
from stages.report.numbers.order import verdicts
from stages.report.numbers.own import OwnRow, OwnTable
from stages.report.numbers.own_verdict import Duel, judge
from stages.report.numbers.rows import Comparison, Line, Row, Seed, Standing, Table
from stages.report.numbers.tables import EXTRAS
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from stages.report.text.data import leaks
from stages.report.text.tables import note
from stages.runs.rows import IDENTITY


def table_json(table: Table) -> dict[str, Any]:
    """<paper>.<table>.json. A number of a row (reported, reproduced.mean, reproduced.std,
    difference, interval95, the value of a seed) is a number where the table has one metric, and a
    mapping from metric to number where it has several."""
    counts = verdicts(table.comparisons)
    return {
        "paper": table.paper.paper,
        "table": table.paper.table,
        "title": table.paper.title,
        "dataset": table.paper.dataset,
        "protocol": table.paper.protocol,
        "metric": list(table.metrics) if len(table.metrics) > 1 else table.metrics[0],
        "scale": table.scale,
        "commit": table.commit,
        "rows": [_row(row, table) for row in table.rows],
        "ordering": {
            "agree": counts[AGREES],
            "disagree": counts[DISAGREES],
            "cannot_be_told": counts[UNKNOWN],
            "comparisons": [_comparison(one) for one in table.comparisons],
        },
    }


def _row(row: Row, table: Table) -> dict[str, Any]:
    reported, here = row.reported, row.here
    results = here.results if here else {}

    def each(name: str) -> Any:
        return of_metrics({metric: getattr(results[metric], name) for metric in results})

    return {
        "row": reported.row,
        **identity(reported),
        "status": reported.status,
        "ours": reported.ours,
        "reported": of_metrics(reported.values),
        "reported_number_from": reported.number_from,
        "reproduced": {"mean": each("mean"), "std": each("std"), "n": here.n} if here else None,
        "best": each("best") if here and here.several_searches else None,
        "difference": each("difference") if here else None,
        "interval95": each("interval95") if here else None,
        "seeds": [_seed(seed) for seed in here.seeds] if here else [],
        "extra": here.extra if here else {},
        "note": note(row),
        **_facts(row, table),
        "ssl_gain": here.ssl_gain if here else None,
    }


def _seed(seed: Seed) -> dict[str, Any]:
    content = {"run": seed.run, "value": of_metrics(seed.values)}
    return content | ({} if seed.minus is None else {"minus": seed.minus})


def _facts(row: Row, table: Table) -> dict[str, Any]:
    """What a row has one of, whatever its metrics: in the order of the CSV's columns."""
    reported, here = row.reported, row.here
    return {
        "n": here.n if here else 0,
        "params_million": here and here.params_million,
        "reported_params_million": reported.params_million,
        "flops": here and here.flops,
        "reported_flops": reported.flops,
        "search_device_days": here and here.search_device_days,
        "search_count": here and here.search_count,
        "search_device": here and here.search_device,
        "reported_search_gpu_days": reported.search_gpu_days,
        "reported_search_method": reported.search_method,
        "training_seconds": here and here.training_seconds,
        "device": here and here.device,
        "scale": table.scale if here else None,
        "data": here and here.data,
        "commit": table.commit if here else None,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """`p` before and `p_adjusted` after Holm's correction."""
    if comparison.behind is None:
        sides = {"row": _standing(comparison.ahead)}
    else:
        sides = {
            "ahead_in_paper": _standing(comparison.ahead),
            "behind_in_paper": _standing(comparison.behind),
        }
    return {
        "metric": comparison.metric,
        "verdict": comparison.verdict,
        "p": comparison.p,
        "p_adjusted": comparison.adjusted,
        **sides,
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "row": standing.label,
        "reported": standing.reported,
        "mean": standing.result.mean,
        "std": standing.result.std,
        "n": standing.row.here.n,
    }


def table_lines(table: Table) -> list[dict[str, Any]]:
    """<paper>.<table>.csv: one flat mapping per row and metric."""
    return [_line(line, table) for line in table.lines]


def _line(line: Line, table: Table) -> dict[str, Any]:
    row, result = line.row, line.result
    facts = _facts(row, table)
    low, high = (result and result.interval95) or (None, None)
    return {
        "row": row.reported.row,
        **{key: getattr(row.reported, key) for key in IDENTITY},
        "status": row.reported.status,
        "ours": row.reported.ours,
        "metric": line.metric,
        "reported": line.reported,
        "reported_number_from": row.reported.number_from,
        "mean": result and result.mean,
        "std": result and result.std,
        "n": facts.pop("n"),
        "best": result and result.best,
        "difference": result and result.difference,
        "interval95_low": low,
        "interval95_high": high,
        **facts,
        **{key: row.here.extra.get(key) if row.here else None for key in EXTRAS},
        "note": note(row),
    }


def own_json(table: OwnTable) -> dict[str, Any]:
    """own.json: `final_loss` in its objective's unit, other losses in nats, accuracies in percent;
    `best` names the best network."""
    return {
        "scale": table.scale,
        "commit": table.commit,
        "rows": [
            {
                **_own_facts(row),
                "runs": list(row.runs),
                "pretrained": [asdict(seed) for seed in row.pretrained],
                **{key: asdict(spread) for key, spread in row.accuracies.items()},
            }
            for row in table.rows
        ],
        "comparisons": [duel_record(duel) for duel in judge(table).duels],
        "best": asdict(table.best) if table.best else None,
    }


def duel_record(duel: Duel) -> dict[str, Any]:
    """`p` before and `p_adjusted` after Holm's correction."""
    sides = zip(duel.names, (duel.one, duel.other), strict=True)
    return {
        "question": duel.question,
        "measure": duel.measure,
        "sides": [{"name": name, "values": list(values)} for name, values in sides],
        "difference": duel.difference,
        "interval95": duel.interval,
        "interval95_over_images": duel.image_interval,
        "p": duel.p,
        "p_adjusted": duel.adjusted,
        "verdict": duel.verdict,
        "because": duel.reason,
    }


def own_lines(table: OwnTable) -> list[dict[str, Any]]:
    """own.csv: one flat mapping per row."""
    return [
        _own_facts(row)
        | {
            key: row.accuracies[key].mean if key in row.accuracies else None
            for key in table.measured
        }
        for row in table.rows
    ]


def own_headline(table: OwnTable) -> dict[str, Any]:
    """For metrics.json: row -> accuracies in percent, losses as in own.json."""
    content = {}
    for row in table.rows:
        losses = {
            "selected_contrastive_loss": row.selected_contrastive_loss,
            "final_loss": row.final_loss,
        }
        content[row.row] = {key: value for key, value in losses.items() if value is not None} | {
            in_percent(key): spread.mean for key, spread in row.accuracies.items()
        }
    return content


def _own_facts(row: OwnRow) -> dict[str, Any]:
    return {
        "row": row.row,
        "data": row.data,
        "note": leaks(row.leaks),
        "n": row.n,
        "selected_contrastive_loss": row.selected_contrastive_loss,
        "final_loss": row.final_loss,
        "n_trained_on": row.n_trained_on,
        "n_tested_on": row.n_tested_on,
        "params_million": row.params_million,
        "flops": row.flops,
        "seconds": row.seconds,
    }
