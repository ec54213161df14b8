"""A table of a paper as the page shows it: lines of text, with marks of agreement."""

from __future__ import annotations

from dataclasses import dataclass

from stages.report.numbers.order import of_row, verdicts
from stages.report.numbers.rows import Line, Row, Table
from stages.report.numbers.verdicts import AGREES, DISAGREES, UNKNOWN
from stages.report.text.data import leaks
from stages.report.text.order import disagreements, verdict
from stages.report.text.wording import TITLES, interval, quantity, spread, words
from stages.runs.rows import IDENTITY


@dataclass(frozen=True)
class LineView:
    """A row in one metric. `source` is the footnote of its reported number. What belongs to the row
    as a whole is shown in its `first` line, over `count` lines. Of the row's comparisons so many
    `agree` with the paper, `disagree` and are `unknown`."""

    line: Line
    count: int
    metric: str
    spread: str
    interval: str
    note: str
    source: str
    agree: int
    disagree: int
    unknown: int
    params: str
    size: str
    extras: str

    @property
    def first(self) -> bool:
        return self.line.first

    @property
    def row(self) -> Row:
        return self.line.row


@dataclass(frozen=True)
class TableView:
    """`identity`: what tells the rows apart besides their names. `sources`: footnotes, from 1.
    `settled`: every comparison agrees with the paper."""

    table: Table
    id: str
    name: str
    protocol: str
    identity: list[str]
    runnable: int
    lines: list[LineView]
    sources: list[str]
    verdict: str
    settled: bool
    disagreements: list[str]


def table_view(table: Table) -> TableView:
    paper = table.paper
    return TableView(
        table=table,
        id=f"{paper.paper}-{paper.table}",
        name=f"{TITLES.get(paper.paper, paper.paper)}, {_name(paper.table)}",
        protocol=protocol(table),
        identity=identifying(table),
        runnable=sum(row.reported.status == "run" for row in table.rows),
        lines=[_line(table, line) for line in table.lines],
        sources=sources(table),
        verdict=verdict(table),
        settled=all(one.verdict == AGREES for one in table.comparisons),
        disagreements=disagreements(table),
    )


def protocol(table: Table) -> str:
    """How the paper made its own numbers; nothing where its table does not say."""
    return f"In the paper: {table.paper.protocol}." if table.paper.protocol else ""


def sources(table: Table) -> list[str]:
    """Where the paper has numbers from that are not its own, each once."""
    return list(dict.fromkeys(source for row in table.rows if (source := number_from(row))))


def number_from(row: Row) -> str:
    source = row.reported.number_from
    return f"reported number from the {source}" if source else ""


def identifying(table: Table) -> list[str]:
    """The keys that tell this table's rows apart besides their names."""
    rows = [row.reported for row in table.rows]
    return [key for key in IDENTITY if any(getattr(row, key) is not None for row in rows)]


def note(row: Row) -> str:
    """Why nothing was measured, or what to beware of in what was."""
    if row.here:
        return leaks(row.here.leaks)
    return "quoted by the paper" if row.reported.status == "quoted" else "not in this plan"


def extras(row: Row, form: str) -> str:
    """What was measured besides the table's metrics, each as `form`: `{:.1f} %`."""
    found = row.here.extra.items() if row.here else ()
    return "; ".join(f"{words(key)} {form.format(value)}" for key, value in found)


def _name(table: str) -> str:
    """`table4` -> `table 4`, `section4_4` -> `section 4.4`."""
    for word in ("table", "section"):
        if table.startswith(word):
            return f"{word} {table.removeprefix(word).replace('_', '.')}"
    return table


def _line(table: Table, line: Line) -> LineView:
    counts = verdicts(of_row(table.comparisons, line.metric, line.row))
    here, result = line.row.here, line.result
    return LineView(
        line=line,
        count=len(table.metrics),
        metric=words(line.metric),
        spread=spread(result) if result else "",
        interval=interval(result) if result and result.interval95 else "",
        note=note(line.row),
        source=number_from(line.row),
        agree=counts[AGREES],
        disagree=counts[DISAGREES],
        unknown=counts[UNKNOWN],
        params=quantity(here.params_million, 1e6) if here else "",
        size=quantity(here.flops) if here else "",
        extras=extras(line.row, "{:.1f} %"),
    )
