"""Which row of a paper's table each row of the plan reproduces."""

from __future__ import annotations

from nassl.settings import SettingsError
from stages.report.evidence.asked import PlannedRow, Report
from stages.report.evidence.reported import ReportedRow, ReportedTable
from stages.runs.rows import IDENTITY


def assign(plan: Report, reported: dict[str, ReportedTable]) -> dict[str, dict[int, PlannedRow]]:
    """`<paper>.<table>` -> number of a row in it -> the planned row.

    A planned row belongs to the reported row of the same name of which every identifying key that
    both have is equal. Raises SettingsError naming table and row if there is no such row, or more
    than one, if it is a quoted one, if two planned rows claim it, or if the metrics differ.
    """
    assigned: dict[str, dict[int, PlannedRow]] = {}
    for name, planned_rows in plan.tables.items():
        table = reported.get(name)
        if table is None:
            known = ", ".join(reported)
            raise SettingsError(f"report.tables has the unknown table {name!r}; available: {known}")
        made = assigned.setdefault(name, {})
        for planned in planned_rows:
            where = f"report.tables.{name}, row {planned.label!r}"
            number = _fitting(where, planned, table)
            if table.rows[number].status == "quoted":
                raise SettingsError(f"{where} is quoted by the paper: it is shown, never produced")
            if number in made:
                raise SettingsError(f"{where} occurs twice; every row of a table is made once")
            _check(where, planned, table)
            made[number] = planned
    return assigned


def _fitting(where: str, planned: PlannedRow, table: ReportedTable) -> int:
    fits = [number for number, row in enumerate(table.rows) if _same(planned, row)]
    if len(fits) != 1:
        found = "; ".join(table.rows[number].label for number in fits) or "none"
        allowed = "; ".join(row.label for row in table.rows)
        raise SettingsError(
            f"{where} must fit exactly one row of the paper's table; it fits: {found}; "
            f"the table has: {allowed}"
        )
    return fits[0]


def _same(planned: PlannedRow, row: ReportedRow) -> bool:
    pairs = [(getattr(planned, key), getattr(row, key)) for key in IDENTITY]
    return planned.row == row.row and all(a == b for a, b in pairs if None not in (a, b))


def _check(where: str, planned: PlannedRow, table: ReportedTable) -> None:
    if sorted(planned.values) != sorted(table.metrics):
        raise SettingsError(
            f"{where} has values for {', '.join(planned.values) or 'nothing'}; "
            f"the table's metrics are: {', '.join(table.metrics)}"
        )
    if not planned.runs:
        raise SettingsError(f"{where} has no runs; at least one is expected")
    if planned.minus and len(planned.minus) != len(planned.runs):
        raise SettingsError(
            f"{where}: {len(planned.runs)} runs minus {len(planned.minus)}; "
            f"they are subtracted in pairs, so their numbers must be equal"
        )
