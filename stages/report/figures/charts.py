"""Charts as inline SVG: axes with round ticks, lines, dots, ranges, tiles.

Colours are classes (`s1` ... `s8`, `ink`) that the page's style sheet defines for light and dark;
marks paint with `currentColor`. Every chart has a size, a title and a description.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = 8
CHARACTER = 6.3  # width of a letter of the tick labels in pixels, about


@dataclass(frozen=True)
class Panel:
    """One chart of several, as SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class Figure:
    """One chart (`svg`) or several (`panels`), with a legend in HTML."""

    title: str
    svg: str = ""
    legend: str = ""
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True)
class Axis:
    """`ticks` lie between `low` and `high`; labels give the unit."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]


def axis(label: str, values: Iterable[float], whole: bool = False, count: int = 4) -> Axis:
    """An axis over all `values`, widened to round ticks; `whole`: no fractions between ticks.

    Raises ValueError without a finite value.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        raise ValueError(f"nothing to draw over {label!r}")
    low, high = min(finite), max(finite)
    if low == high:
        # A lone value is in the middle, on a scale that shows its digits.
        room = 0.5 if whole else abs(low) * 0.05 or 0.5
        low, high = low - room, high + room
    step = _round_step((high - low) / count)
    step = max(1.0, math.ceil(step)) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * number for number in range(first, last + 1))
    return Axis(label, ticks[0], ticks[-1], ticks)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(factor for factor in (1, 2, 2.5, 5, 10) if step <= factor * power * 1.0001)


def number(value: float, step: float = 0.0) -> str:
    """The value as text, with as many digits as ticks `step` apart need."""
    if value == 0:
        return "0"
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 3
    if step and not math.isclose(step * 10**digits, round(step * 10**digits)):
        digits += 1  # steps of 2.5
    text = f"{value:,.{min(digits, 6)}f}"
    return text.replace("-", "\N{MINUS SIGN}")


class Plot:
    """A frame of `width` x `height` pixels; marks are added in units of its axes."""

    def __init__(self, x: Axis, y: Axis, width: int = 340, height: int = 220, left: int = 0):
        self.x, self.y, self.width, self.height = x, y, width, height
        longest = max(len(number(tick, self._step(y))) for tick in y.ticks)
        self.left = left or round(26 + CHARACTER * longest)
        last = number(x.ticks[-1], self._step(x))
        self.right = width - max(14, round(CHARACTER * len(last) / 2) + 2)
        self.top, self.bottom = 12, height - 42
        self.marks: list[str] = []

    def across(self, value: float) -> float:
        share = (value - self.x.low) / (self.x.high - self.x.low)
        return round(self.left + share * (self.right - self.left), 1)

    def up(self, value: float) -> float:
        share = (value - self.y.low) / (self.y.high - self.y.low)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def line(self, points: Sequence[tuple[float, float]], css: str, dots: bool = False) -> None:
        """A line through the points; a gap where a value is not finite."""
        path, pen = [], "M"
        for x, y in points:
            if not math.isfinite(y):
                pen = "M"
                continue
            path.append(f"{pen}{self.across(x)} {self.up(y)}")
            pen = "L"
        self.marks.append(f'<path class="line {css}" d="{"".join(path)}"/>')
        if dots or len(points) < 6:
            for x, y in points:
                self.dot(x, y, css, radius=2.4)

    def dot(self, x: float, y: float, css: str, radius: float = 4, tip: str = "") -> None:
        if math.isfinite(x) and math.isfinite(y):
            title = f"<title>{escape(tip)}</title>" if tip else ""
            self.marks.append(
                f'<circle class="dot {css}" cx="{self.across(x)}" cy="{self.up(y)}" '
                f'r="{radius}">{title}</circle>'
            )

    def diamond(self, x: float, y: float, css: str, tip: str = "") -> None:
        """A hollow mark, for what was not measured here."""
        title = f"<title>{escape(tip)}</title>" if tip else ""
        across, up = self.across(x), self.up(y)
        self.marks.append(
            f'<path class="hollow {css}" d="M{across} {up - 5}l5 5l-5 5l-5 -5z">{title}</path>'
        )

    def span(self, low: float, high: float, y: float, css: str, thick: float = 2) -> None:
        """A horizontal bar from `low` to `high`."""
        self.marks.append(
            f'<path class="span {css}" stroke-width="{thick}" '
            f'd="M{self.across(low)} {self.up(y)}H{self.across(high)}"/>'
        )

    def bar(self, x: float, low: float, high: float, css: str) -> None:
        """A vertical whisker from `low` to `high`."""
        path = f"M{self.across(x)} {self.up(low)}V{self.up(high)}"
        self.marks.append(f'<path class="span {css}" stroke-width="1.5" d="{path}"/>')

    def tick(self, x: float, y: float, css: str) -> None:
        """A short vertical stroke, for a mean."""
        path = f"M{self.across(x)} {self.up(y) - 8}v16"
        self.marks.append(f'<path class="span {css}" stroke-width="2" d="{path}"/>')

    def rule(self, value: float) -> None:
        """A vertical reference line."""
        self.marks.append(
            f'<path class="rule" d="M{self.across(value)} {self.top}V{self.bottom}"/>'
        )

    def svg(self, title: str, description: str, rows: Sequence[str] = ()) -> str:
        """The chart. `rows` are names in place of the ticks of y, from 0 upwards."""
        parts = []
        texts = [number(tick, self._step(self.x)) for tick in self.x.ticks]
        apart = (self.right - self.left) / (len(texts) - 1)
        every = math.ceil((CHARACTER * max(map(len, texts)) + 10) / apart)
        for place, (tick, text) in enumerate(zip(self.x.ticks, texts, strict=True)):
            x = self.across(tick)
            parts.append(f'<path class="grid" d="M{x} {self.top}V{self.bottom}"/>')
            if place % every:
                continue  # too tight for a label on each
            parts.append(f'<text x="{x}" y="{self.bottom + 16}" text-anchor="middle">{text}</text>')
        places = enumerate(rows) if rows else ((tick, None) for tick in self.y.ticks)
        for tick, name in places:
            y = self.up(tick)
            text = number(tick, self._step(self.y)) if name is None else escape(name)
            parts.append(f'<path class="grid" d="M{self.left} {y}H{self.right}"/>')
            parts.append(f'<text x="{self.left - 7}" y="{y + 4}" text-anchor="end">{text}</text>')
        middle = (self.left + self.right) / 2
        parts.append(
            f'<text class="label" x="{middle:.0f}" y="{self.height - 8}" text-anchor="middle">'
            f"{escape(self.x.label)}</text>"
        )
        if self.y.label:
            parts.append(
                f'<text class="label" transform="translate(11 {(self.top + self.bottom) / 2:.0f}) '
                f'rotate(-90)" text-anchor="middle">{escape(self.y.label)}</text>'
            )
        return picture(self.width, self.height, title, description, "".join(parts + self.marks))

    @staticmethod
    def _step(axis: Axis) -> float:
        return axis.ticks[1] - axis.ticks[0]


def picture(width: float, height: float, title: str, description: str, body: str) -> str:
    """An `<svg>` with its size; the title is the alternative text."""
    return (
        f'<svg class="plot" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>{body}</svg>"
    )


def rows_axis(count: int) -> Axis:
    """The vertical axis of a chart with one row per thing, row 0 at the bottom."""
    return Axis("", -0.6, count - 0.4, tuple(float(row) for row in range(-1, count)))


def colour(place: int) -> str:
    """The class of the place-th thing; colours repeat after the eighth."""
    return f"s{place % COLOURS + 1}"


def legend(names: Iterable[tuple[str, str]]) -> str:
    """HTML: `(class, name)` pairs as swatches with names."""
    items = "".join(
        f'<li><i class="{css}" aria-hidden="true"></i>{escape(name)}</li>' for css, name in names
    )
    return f'<ul class="legend">{items}</ul>'
