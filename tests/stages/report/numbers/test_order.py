"""The order of methods, here and in the paper."""

from __future__ import annotations

import pytest
from scipy.stats import ttest_1samp, ttest_ind

from stages.report.numbers.order import compared, comparisons, of_row, verdicts
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from tests.stages.report.rows import row, table

LOW, MIDDLE, HIGH = (10.0, 11.0, 12.0), (20.0, 21.0, 22.5), (30.0, 31.0, 32.0)


@pytest.mark.parametrize(
    ("metric", "better"), [("test_error", (LOW, HIGH)), ("test_accuracy", (HIGH, LOW))]
)
def test_order_of_methods(metric, better):
    """Only B and C have changed places, whichever direction is better."""
    sign = 1 if metric == "test_error" else -1
    values = dict(zip("ABC", (better[0], better[1], MIDDLE), strict=True))
    rows = [
        row(name, 50 + sign * place, values.get(name), metric=metric)
        for place, name in enumerate("ABCD")
    ]
    found = table(rows, metric)
    assert verdicts(found.comparisons) == {AGREES: 2, DISAGREES: 1}
    (against,) = found.against_paper
    assert (against.ahead.label, against.behind.label) == ("B", "C")


def test_p_values_are_those_of_scipy_corrected_for_their_number():
    rows = [row("A", 3.0, HIGH), row("B", 2.0, (28.0, 31.0, 31.5)), row("C", 1.0, LOW)]
    found = comparisons(["AP"], rows)
    expected = [
        ttest_ind(ahead, behind, equal_var=False).pvalue
        for ahead, behind in (
            (HIGH, rows[1].here.of("AP")),
            (HIGH, LOW),
            (rows[1].here.of("AP"), LOW),
        )
    ]
    assert [one.p for one in found] == pytest.approx(expected)
    by_size = sorted(found, key=lambda one: one.p)
    factors = [one.adjusted / one.p for one in by_size]
    assert factors == pytest.approx([3, 2, 1])
    assert [one.verdict for one in by_size] == [AGREES, AGREES, UNKNOWN]


@pytest.mark.parametrize(
    ("ahead", "behind"), [(50.0, LOW), (HIGH, 10.0), ((5.0, 5.0), (1.0, 1.0)), (HIGH, HIGH)]
)
def test_a_single_seed_or_no_spread_tells_nothing(ahead, behind):
    (found,) = comparisons(["AP"], [row("A", 2.0, ahead), row("B", 1.0, behind)])
    assert found.verdict == UNKNOWN


def test_equal_in_the_paper_is_not_compared():
    assert not comparisons(["AP"], [row("A", 1.0, LOW), row("B", 1.0, HIGH)])


def test_batch_sizes_are_not_compared():
    rows = [row("A", 1.0, LOW, batch_size=32), row("A", 3.0, HIGH, batch_size=64)]
    assert not comparisons(["AP"], rows)


@pytest.mark.parametrize(
    ("here", "expected"),
    [((0.1, 0.11, 0.12), AGREES), ((-0.1, -0.11, -0.12), DISAGREES), ((0.1, -0.1), UNKNOWN)],
)
def test_sign_of_a_difference(here, expected):
    metric = "accuracy_difference"
    (found,) = comparisons([metric], [row("A minus B", 0.63, here, metric=metric)])
    assert found.verdict == expected
    assert found.p == pytest.approx(ttest_1samp(here, 0).pvalue)
    assert found.behind is None


def test_what_one_run_measures_at_once_is_compared_once():
    assert compared(["AP50", "AP", "AP75"]) == ["AP"]
    assert compared(["AP_box", "AP50_box", "AP75_box", "AP_mask", "AP50_mask", "AP75_mask"]) == [
        "AP_box"
    ]
    assert compared(["top1_error", "top5_error"]) == ["top1_error"]
    both = ["linear_accuracy", "semi_supervised_accuracy"]
    assert compared(both) == both


def test_comparisons_of_a_row():
    rows = [row("A", 3.0, HIGH), row("B", 2.0, LOW), row("C", 1.0, MIDDLE)]
    found = comparisons(["AP"], rows)
    assert [verdicts(of_row(found, "AP", one)) for one in rows] == [
        {AGREES: 2}, {AGREES: 1, DISAGREES: 1}, {AGREES: 1, DISAGREES: 1},
    ]  # fmt: skip
    assert not of_row(found, "AP50", rows[0])
