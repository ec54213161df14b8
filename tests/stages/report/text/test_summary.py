"""The first sentences of the page."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from html import unescape
from itertools import chain

from stages.report.text.summary import summary
from tests.stages.report.rows import row, table

LOW, HIGH = (10.0, 11.0, 12.0), (30.0, 31.0, 32.0)


def test_three_sentences():
    found, scale, more = summary([table([row("A", 3.0, HIGH), row("B", 2.0, LOW)])], "toy")
    assert found == (
        "Of 1 comparison with the paper's order 1 agrees, 0 disagree and 0 cannot be told."
    )
    assert scale.startswith("This is the toy scale: stand-in data")
    assert more == (
        "The papers' methods differ by 1 point in the median of these comparisons: with the "
        "spread between seeds measured here, 1 point, that takes 17 seeds of each (3 here) to be "
        "seen in four of five repetitions."
    )


def test_pretraining_comes_first():
    rows = [
        replace(one, here=replace(one.here, ssl_gain=gain))
        for one, gain in ((row("A", 3.0, HIGH), 1.5), (row("B", 2.0, LOW), 0.9))
    ]
    assert summary([table(rows)], "toy")[0] == (
        "In 1 of 2 rows networks pretrained without labels classify better than with random "
        "weights (on average 1.20 times the linear accuracy); of 1 comparison with the paper's "
        "order 1 agrees, 0 disagree and 0 cannot be told."
    )


def test_the_head_of_the_page_is_true_of_the_tables(made):
    """Recomputed from the files beside it."""
    tables = [json.loads(file.read_text()) for file in made.glob("*.*.json")]
    gains = [one["ssl_gain"] for one in chain(*(table["rows"] for table in tables))]
    gains = [gain for gain in gains if gain is not None]
    found = list(chain(*(table["ordering"]["comparisons"] for table in tables)))
    known = [one for one in found if (one["p_adjusted"] or 1) < 0.05]
    assert (len(gains), len(found), known) == (2, 4, [])
    above, mean = sum(gain > 1 for gain in gains), statistics.mean(gains)
    page = unescape((made.parent / "report.html").read_text())
    assert page.index("<h1>") < page.index(
        f"In {above} of {len(gains)} rows networks pretrained without labels classify better than "
        f"with random weights (on average {mean:.2f} times the linear accuracy); of {len(found)} "
        f"comparisons with the paper's order 0 agree, 0 disagree and {len(found)} cannot be told."
    ) < page.index("<nav")  # fmt: skip


def test_seeds_that_do_not_differ():
    (*_, more) = summary([table([row("A", 3.0, 9.0), row("B", 2.0, 8.0)])], "toy")
    assert more.endswith("how many seeds show that, two different results of one method would say.")


def test_without_tables_the_scale_is_all_there_is_to_say():
    assert len(summary([], "toy")) == 1
