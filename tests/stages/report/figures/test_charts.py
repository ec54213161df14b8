"""Axes and marks of the charts."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest

from stages.report.figures.charts import Plot, axis, legend, number, rows_axis


@pytest.mark.parametrize(
    ("values", "whole", "ticks"),
    [
        ([0.0, 10.0], False, (0, 2.5, 5, 7.5, 10)),
        ([2.31, 2.39], False, (2.3, 2.32, 2.34, 2.36, 2.38, 2.4)),
        ([1, 2], True, (1, 2)),
        ([0, 8], True, (0, 2, 4, 6, 8)),
        ([-0.5, math.nan, 0.5], False, (-0.5, -0.25, 0, 0.25, 0.5)),
        ([3], True, (2, 3, 4)),
    ],
)
def test_ticks_are_round_and_hold_all_values(values, whole, ticks):
    found = axis("x", values, whole)
    assert found.ticks == pytest.approx(ticks)
    assert (found.low, found.high) == (found.ticks[0], found.ticks[-1])
    assert all(found.low <= v <= found.high for v in values if math.isfinite(v))


def test_a_lone_value_lies_inside_its_axis():
    found = axis("x", [4.84])
    assert found.low < 4.84 < found.high


def test_an_axis_over_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to draw over 'loss'"):
        axis("loss", [math.nan])


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(2.5, 2.5, "2.5"), (20.0, 10.0, "20"), (0.05, 0.01, "0.05"), (-1.5, 0.5, "\N{MINUS SIGN}1.5"),
     (1200.0, 400.0, "1,200"), (0.0, 0.1, "0"), (4.8425, 0.00025, "4.84250")],
)  # fmt: skip
def test_numbers_have_the_digits_of_their_step(value, step, text):
    assert number(value, step) == text


def drawn(plot: Plot, title: str = "A title", rows: tuple[str, ...] = ()) -> ElementTree.Element:
    return ElementTree.fromstring(plot.svg(title, "a < b", rows))


def test_a_plot_has_a_size_a_title_and_maps_values_to_its_frame():
    plot = Plot(axis("x", [0, 4], whole=True), axis("y", [0, 1]), width=300, height=200)
    plot.line([(0, 0.0), (4, 1.0)], "s1")
    root = drawn(plot, "Loss & more")
    assert (root.get("width"), root.get("height")) == ("300", "200")
    assert root.find("title").text == "Loss & more"
    assert root.find("desc").text == "a < b"
    (line,) = [path for path in root.iter("path") if path.get("class") == "line s1"]
    start, end = f"{plot.left:.1f} {plot.bottom:.1f}", f"{plot.right:.1f} {plot.top:.1f}"
    assert line.get("d") == f"M{start}L{end}"
    texts = [text.text for text in root.iter("text")]
    assert {"x", "y", "4", "1"} <= set(texts)


def test_a_line_has_a_gap_where_a_value_is_missing():
    plot = Plot(axis("x", [1, 3], whole=True), axis("y", [0, 1]))
    plot.line([(1, 0.0), (2, math.nan), (3, 1.0)], "s1")
    (line,) = [path for path in drawn(plot).iter("path") if path.get("class") == "line s1"]
    assert line.get("d").count("M") == 2
    assert "nan" not in line.get("d")


def test_labels_that_would_touch_are_left_out():
    wide = Plot(axis("x", [4.8420, 4.8437]), axis("y", [0, 1]), width=900)
    narrow = Plot(axis("x", [4.8420, 4.8437]), axis("y", [0, 1]), width=200)
    labels = [
        [text.text for text in drawn(plot).iter("text") if (text.text or "").startswith("4.8")]
        for plot in (wide, narrow)
    ]
    assert len(labels[0]) == len(axis("x", [4.8420, 4.8437]).ticks)
    assert len(labels[1]) < len(labels[0])


def test_rows_are_named_from_below():
    plot = Plot(axis("x", [0, 1]), rows_axis(2), left=90)
    plot.dot(0.5, 1, "s1", tip="upper")
    root = drawn(plot, rows=("lower <name>", "upper"))
    heights = {text.text: float(text.get("y")) for text in root.iter("text")}
    assert heights["upper"] < heights["lower <name>"]
    assert next(root.iter("circle")).find("title").text == "upper"


def test_names_in_a_legend_are_escaped():
    assert "a &lt; b" in legend([("s1", "a < b")])
