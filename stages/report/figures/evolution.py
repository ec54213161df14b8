"""Drawing of an evolution: every place's operation per epoch, and what was tried and dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from stages.report.figures.charts import Figure, colour, legend, picture
from stages.report.numbers.evolution import Epoch, Evolution

LEFT, TOP, WIDTH = 46, 22, 700  # pixels; the drawing itself is WIDTH wide


def evolution_figure(evolution: Evolution) -> Figure:
    """A row per place, a column per epoch."""
    epochs, places = evolution.epochs, evolution.places
    operations = sorted({name for epoch in epochs for name in epoch.choice})
    css = {name: colour(place) for place, name in enumerate(operations)}
    step = WIDTH / len(epochs)
    row = 14 if places <= 28 else 9
    body = [_base(epochs, css, step, row), _tried(epochs, css, step, row)]
    bottom = TOP + row * places
    for epoch in epochs:
        if epoch.dropped:
            x = LEFT + step * epoch.number
            body.append(f'<path class="cut" d="M{x:.1f} {TOP - 6}V{bottom + 4}"/>')
    body.append(_axes(len(epochs), places, step, row, bottom))
    title = (
        f"Genealogy of {evolution.run}: the operation of each of {places} places in "
        f"{len(epochs)} epochs"
    )
    text = (
        f"{len(evolution.mutations)} mutations, {evolution.accepted} accepted; "
        f"{evolution.changed} places end changed"
    )
    return Figure(
        title=evolution.run,
        svg=picture(LEFT + WIDTH + 12, bottom + 40, title, text, "".join(body)),
        legend=legend((kind, name.replace("_", " ")) for name, kind in css.items()),
    )


def _base(epochs: Sequence[Epoch], css: dict[str, str], step: float, row: int) -> str:
    """Bars of the present operations; equal neighbours are one bar."""
    bases = [epoch.former for epoch in epochs]
    for base in bases:
        for name in base:
            css.setdefault(name, colour(len(css)))
    parts = []
    for place in range(len(bases[0])):
        for start, end, name in _stretches([base[place] for base in bases]):
            parts.append(
                f'<rect class="tile {css[name]}" x="{LEFT + step * start:.1f}" '
                f'y="{TOP + row * place + 1}" width="{step * (end - start):.1f}" '
                f'height="{row - 2}"/>'
            )
    return "".join(parts)


def _stretches(names: list[str]) -> Iterator[tuple[int, int, str]]:
    start = 0
    for end in range(1, len(names) + 1):
        if end == len(names) or names[end] != names[start]:
            yield start, end, names[start]
            start = end


def _tried(epochs: Sequence[Epoch], css: dict[str, str], step: float, row: int) -> str:
    """A dot in the colour of an operation that was tried and rejected."""
    parts = []
    radius = min(row / 2 - 3.5, step / 2 - 0.5)
    for number, epoch in enumerate(epochs):
        for mutation in epoch.mutations:
            if mutation.accepted:
                continue
            x, y = LEFT + step * (number + 0.5), TOP + row * (mutation.place + 0.5)
            parts.append(
                f'<circle class="tried {css.setdefault(mutation.tried, colour(len(css)))}" '
                f'cx="{x:.1f}" cy="{y:.1f}" r="{max(radius, 1):.1f}"/>'
            )
    return "".join(parts)


def _axes(epochs: int, places: int, step: float, row: int, bottom: int) -> str:
    parts = []
    every = max(1, round(epochs / 9))
    for epoch in range(every, epochs + 1, every):
        x = LEFT + step * (epoch - 0.5)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{epoch}</text>')
    for place in range(0, places, 1 if places <= 12 else 4):
        y = TOP + row * (place + 0.5) + 4
        parts.append(f'<text x="{LEFT - 7}" y="{y:.1f}" text-anchor="end">{place + 1}</text>')
    middle = (TOP + bottom) / 2
    label = escape("place (block or edge)")
    parts.append(
        f'<text class="label" x="{LEFT + WIDTH / 2}" y="{bottom + 34}" '
        f'text-anchor="middle">epoch</text><text class="label" text-anchor="middle" '
        f'transform="translate(11 {middle:.0f}) rotate(-90)">{label}</text>'
    )
    return "".join(parts)
