"""Where the numbers of a row come from, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stages.report.numbers.trace import Part, Trace
from stages.report.text.wording import spread, words


def trace_text(found: Iterable[Trace], plan: str, plan_sha256: str) -> str:
    """Lines with a hash are those of `sha256sum`, which checks them with `--check`."""
    parts = ["\n".join(_lines(one)) for one in found]
    end = (
        f"{plan_sha256}  {plan}\n"
        "Settings of a run: python -m stages.plan --show <stage>/<run>, with the arguments in the "
        f"first line of {plan}"
    )
    return "\n\n".join([*parts, end])


def _lines(found: Trace) -> Iterator[str]:
    yield f"{found.table}/{found.row}"
    for number in found.numbers:
        unit = f" {number.unit}" if number.unit else ""
        reported = "" if number.reported is None else f"; reported {number.reported:.2f} %"
        count = f"{len(number.parts)} run{'' if len(number.parts) == 1 else 's'}"
        here = f"{spread(number.here)}{unit}"
        yield f"  {words(number.metric)}: {here}, from {count}{reported}"
        yield from (f"    {_part(part, number.unit)}" for part in number.parts)
    for run, files in found.files.items():
        yield f"{run}{'' if files else ': no file of it is there'}"
        yield from (f"{sha256}  {path.as_posix()}" for path, sha256 in files)


def _part(part: Part, unit: str) -> str:
    """`50.00 = 100 x linear_accuracy of results/probe/x-s0/metrics.json`."""
    less = f" - that of {part.less.as_posix()}" if part.less else ""
    what = f"{part.key} of {part.file.as_posix()}{less}"
    if unit != "%":
        return f"{part.value:.4f} = {what}"
    return f"{part.value:.2f} = 100 x {f'({what})' if less else what}"
