"""What stages and rows took."""

from __future__ import annotations

import pytest

from stages.report.evidence.asked import read_report
from stages.report.numbers.costs import row_costs, stage_costs, upstream


def test_a_row_stands_on_all_that_it_needs(evidence):
    assert upstream(evidence, "retrain/ssnas-digits-s0") == {
        "retrain/ssnas-digits-s0", "select/ssnas-digits", "score/ssnas-digits-s0",
        "score/ssnas-digits-s1", "search/ssnas-digits-s0", "search/ssnas-digits-s1",
        "prepare/digits",
    }  # fmt: skip
    assert "retrain/ssnas-digits-s0" in upstream(evidence, "transfer/faunae-voc-s0")


def test_costs_add_up(evidence, full_project):
    stages = {entry.stage: entry for entry in stage_costs(evidence)}
    assert (stages["search"].runs, stages["search"].spent.seconds) == (4, 40.0)
    assert stages["search"].spent.device_hours == pytest.approx(4 * 0.001 * 24)
    assert stages["select"].measured == 0
    rows = row_costs(evidence, read_report(full_project / "params.yaml"))
    ssnas = next(row for row in rows if row.row.startswith("SSNAS"))
    parts = [part.seconds for part in (ssnas.search, ssnas.selection, ssnas.training)]
    assert parts == [20.0, 20.0, 30.0]
    assert ssnas.total.seconds == sum(parts)
