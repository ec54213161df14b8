"""Statistics over seeds and the order of methods."""

from __future__ import annotations

import pytest

from stages.report.headline import slug
from stages.report.settings import metric_names, read_reported
from stages.report.statistics import agreement, comparisons, deviation, interval95, ordering

REPORTED = "workflow/report/paper_tables.yaml"


def test_deviation_and_interval():
    values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]  # squared deviations from 5 sum to 32
    assert deviation(values) == pytest.approx((32 / 7) ** 0.5)
    assert deviation([1.0]) is None
    half = 2.364624 * (32 / 7) ** 0.5 / 8**0.5  # t(0.975, 7) of printed tables
    assert interval95(values) == pytest.approx([5 - half, 5 + half], abs=1e-5)
    assert interval95([1.0, 2.0]) is None


def row(name, reported, mean, **identity):
    reproduced = {"mean": mean, "std": None, "n": 1}
    return {"row": name, "reported": reported, "reproduced": reproduced, **identity}


@pytest.mark.parametrize(("metric", "agree"), [("test_error", 1), ("test_accuracy", 2)])
def test_order_of_methods(metric, agree):
    rows = [row("A", 1.0, 1.0), row("B", 2.0, 3.0), row("C", 3.0, 2.0)]
    rows.append({"row": "D", "reported": 4.0, "reproduced": None})
    found = ordering([metric], rows)
    # Only B and C have changed places, whichever direction is better.
    assert (found["pairs"], found["agree"]) == (3, 2)
    (entry,) = found["against_paper"]
    ahead, behind = ("B", "C") if agree == 1 else ("C", "B")
    assert entry["ahead_in_paper"]["row"] == ahead
    assert entry["behind_in_paper"]["row"] == behind


def test_equal_in_the_paper_is_not_compared_and_equal_here_does_not_agree():
    assert ordering(["AP"], [row("A", 1.0, 1.0), row("B", 1.0, 3.0)])["pairs"] == 0
    found = ordering(["AP"], [row("A", 1.0, 2.0), row("B", 3.0, 2.0)])
    assert (found["pairs"], found["agree"]) == (1, 0)


def test_batch_sizes_are_not_compared():
    rows = [row("A", 1.0, 2.0, batch_size=32), row("A", 3.0, 1.0, batch_size=64)]
    assert ordering(["AP"], rows)["pairs"] == 0


@pytest.mark.parametrize(("here", "agree"), [(0.1, 1), (-0.1, 0)])
def test_sign_of_a_difference(here, agree):
    found = ordering(["accuracy_difference"], [row("A minus B", 0.63, here)])
    assert (found["pairs"], found["agree"]) == (1, agree)


def test_papers_tables_are_complete(pytestconfig):
    papers = read_reported(pytestconfig.rootpath / REPORTED)
    tables = [table for paper in papers.values() for table in paper.values()]
    rows = [row for table in tables for row in table["rows"]]
    assert sum(row["status"] == "run" for row in rows) == 38
    assert sum(row["status"] == "quoted" for row in rows) == 9
    for table in tables:
        values = [row["value"] for row in table["rows"]]
        assert all(
            len(metric_names(table)) == len(v if isinstance(v, list) else [v]) for v in values
        )
        assert len({slug(row) for row in table["rows"]}) == len(values)


def test_a_row_agrees_where_its_own_comparisons_do():
    rows = [row("A", 1.0, 1.0), row("B", 2.0, 3.0), row("C", 3.0, 2.0)]
    found = comparisons(["AP"], rows)
    assert [agreement(found, "AP", name) for name in "ABC"] == [(2, 2), (1, 2), (1, 2)]
    assert agreement(found, "AP50", "A") == (0, 0)
    signs = comparisons(["accuracy_difference"], [row("A minus B", 0.5, -0.1)])
    assert agreement(signs, "accuracy_difference", "A minus B") == (0, 1)
