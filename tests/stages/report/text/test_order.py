"""Sentences about the order of methods."""

from __future__ import annotations

from stages.report.text.markdown import page
from tests.stages.report.rows import row, table

LOW, MIDDLE, HIGH = (10.0, 11.0, 12.0), (20.0, 21.0, 22.0), (30.0, 31.0, 32.0)


def test_what_disagrees_is_listed():
    text = page(table([row("A", 3.0, LOW), row("B", 2.0, HIGH), row("C", 1.0, 9.0)]))
    assert (
        "**Of 3 comparisons with the paper's order 0 agree, 1 disagrees and 2 cannot be told:**"
        in text
    )
    assert (
        "- AP: the paper has A ahead of B (3.00 against 2.00); here 11.00 ± 1.00 against "
        "31.00 ± 1.00 (p = 1.6e-05)" in text
    )
    assert text.count("\n- ") == 1


def test_agreement_is_said_too():
    one = page(table([row("A", 3.0, HIGH), row("B", 2.0, LOW)]))
    head = "with the paper's order"
    assert f"Of 1 comparison {head} 1 agrees, 0 disagree and 0 cannot be told." in one
    three = page(table([row("A", 3.0, HIGH), row("B", 2.0, MIDDLE), row("C", 1.0, LOW)]))
    assert f"Of 3 comparisons {head} 3 agree, 0 disagree and 0 cannot be told." in three
