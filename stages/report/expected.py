"""Expected numbers: whether a run of a scale that was run before comes out alike.

`workflow/report/expected/<scale>.yaml` holds the main numbers of a finished run of the plan
`scale=<scale>` and how far another run may be from each. Every report of that very plan says
whether its numbers are within that. Two runs on one machine are the same to the bit; on another
processor, or with other threads or libraries, sums are rounded differently, training takes another
course, and a test image more or less is recognised.

Example: python -m stages.report.expected . > /tmp/smoke.yaml
         writes such a file from a finished run; to be moved to workflow/report/expected/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from nassl.files import InputError, read_json
from stages.runs.command import refusals

FOLDER = Path("workflow/report/expected")
WITHOUT = ("report", "resources")  # sections of a plan that change no number
DERIVED = ("ssl_gain",)  # of metrics.json: follows from the numbers of rows, and from their noise
# How many standard deviations of the difference between two independent trainings are tolerated.
# assumed: 3, so that one of about 400 numbers leaves its range by chance. Measured at scale smoke:
# without the compiled kernels, and with AVX2 in place of AVX-512, no number moved by more than a
# third of its tolerance.
DEVIATIONS = 3.0

HEAD = """\
# What a finished run of the plan `scale={scale}` gave, in percent; rows are counted.
# Written by `python -m stages.report.expected`; do it anew where the plan or a result was changed.
#
# tolerance: on another processor, with other threads or another torch, sums are rounded
# differently, and training takes another course: another network of the same quality. Of n test
# images it recognises p +- sqrt(p (1 - p) / n), so two of them differ by sqrt(2 p (1 - p) / n);
# {deviations:g} times that, and at least one image, is tolerated (n: the test images of the table's
# data). A detector's AP is taken for such a share; of a difference between accuracies, both move.
# Counts of rows are the same everywhere.
"""


@dataclass(frozen=True)
class Comparison:
    """`text` says how it went; `left` names each number outside its range."""

    text: str
    left: tuple[str, ...] = ()


def compare(found: Mapping[str, Any], plan: Path, folder: Path = FOLDER) -> Comparison | None:
    """`found`: the content of metrics.json. None if nothing is expected of the scale of `plan`.

    Raises InputError if the file with the expected numbers is not one.
    """
    params = _read_yaml(plan)
    scale = params["report"]["scale"]
    file = folder / f"{scale}.yaml"
    shown = f"{folder.name}/{file.name}"
    if not file.exists():
        return None
    expected = _read_expected(file)
    if fingerprint(params) != expected["plan"]:
        return Comparison(
            f"Not compared with the numbers expected at scale {scale} ({shown}): the plan is "
            f"not the one that they belong to, which `python -m stages.plan scale={scale}` wrote."
        )
    here = dict(numbers(found))
    left = [
        _left(name, here.get(name), **entry)
        for name, entry in expected["numbers"].items()
        if not _within(here.get(name), **entry)
    ]
    unknown = [name for name in here if name not in expected["numbers"]]
    left += [f"{name} is {here[name]:.4g}, expected to be missing" for name in unknown]
    count = len(expected["numbers"]) + len(unknown)
    if not left:
        return Comparison(f"All {count} numbers are as expected at scale {scale} ({shown}).")
    return Comparison(
        f"{len(left)} of {count} numbers are not as expected at scale {scale} ({shown}): "
        f"{'; '.join(left)}. Other processors, threads and versions of libraries are allowed for: "
        "look for a change of the code or of the data.",
        tuple(left),
    )


def numbers(content: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, float]]:
    """(`ssnas.table1.SSNAS-first-order.test_error_percent`, value) of every number in metrics.json
    that is not derived from others."""
    for key, value in content.items():
        if key in DERIVED:
            continue
        if isinstance(value, Mapping):
            yield from numbers(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", float(value)


def fingerprint(params: Mapping[str, Any]) -> str:
    """SHA-256 of a plan's content, comments and sections that change no number left out."""
    kept = {name: section for name, section in params.items() if name not in WITHOUT}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def tolerance(percent: float, images: float, difference: bool = False) -> float:
    """In percent, see HEAD."""
    share = min(max(percent / 100, 0.0), 1.0)
    if difference:  # of two shares that are not known: the largest that it can be
        share, images = 0.5, images / 2
    return 100 * max(DEVIATIONS * math.sqrt(2 * share * (1 - share) / images), 1 / images)


def from_run(project: Path) -> str:
    """The file with the numbers of the finished run in the folder `project`.

    Raises InputError if its tables are missing, or a test set has no size in the plan.
    """
    params = _read_yaml(project / "params.yaml")
    content = read_json(project / "results" / "tables" / "metrics.json")
    lines = [
        HEAD.format(scale=params["report"]["scale"], deviations=DEVIATIONS),
        f"plan: {fingerprint(params)}  # of params.yaml without {' and '.join(WITHOUT)}",
        f"torch: {version('torch')}",
        "numbers:",
    ]
    for name, value in numbers(content):
        allowed = 0.0
        if "." in name:
            table = ".".join(name.split(".")[:2])
            rows = params["report"]["tables"][table]
            difference = any(row.get("minus") for row in rows)
            allowed = tolerance(value, _test_images(table, params), difference)
        lines.append(f"  {name}: {{value: {value:.6g}, tolerance: {allowed:.3g}}}")
    return "\n".join(lines) + "\n"


def _test_images(table: str, params: Mapping[str, Any]) -> int:
    """Of the smallest test set that a row of the table is judged on."""
    counts = []
    for row in params["report"]["tables"][table]:
        for run in [*row["runs"], *row.get("minus", [])]:
            stage, name = run.split("/")
            data = params[stage][name]["data"]
            counts.append(params["data"][data].get("test", 0))
    if not counts or not min(counts):
        raise InputError(
            f"{table}: the plan does not say how many test images there are (data.<name>.test), so "
            "there is no tolerance for its numbers; only plans with that can be expected"
        )
    return min(counts)


def _within(found: float | None, value: float, tolerance: float) -> bool:
    # what the file was rounded to is no difference
    return found is not None and abs(found - value) <= tolerance + 1e-5 * abs(value)


def _left(name: str, found: float | None, value: float, tolerance: float) -> str:
    is_there = "is missing" if found is None else f"is {found:.4g}"
    return f"{name} {is_there}, expected {value:.4g} ± {tolerance:.3g}"


def _read_yaml(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{file} is missing") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not YAML: {error}") from error


def _read_expected(file: Path) -> dict[str, Any]:
    content = _read_yaml(file)
    entries = content.get("numbers") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not isinstance(content.get("plan"), str):
        raise InputError(f"{file} has no `plan` and `numbers`; {_AGAIN}")
    for name, entry in entries.items():
        given = entry if isinstance(entry, dict) else {}
        if given.keys() != {"value", "tolerance"} or not all(
            isinstance(number, int | float) and math.isfinite(number) for number in given.values()
        ):
            raise InputError(f"{file}: {name} is {entry!r}; a value and a tolerance are expected")
    return content


_AGAIN = "write it again with `python -m stages.report.expected`"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.report.expected",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("project", type=Path, help="with params.yaml and results/ of the run")
    arguments = parser.parse_args(argv)
    with refusals("expected"):
        sys.stdout.write(from_run(arguments.project))


if __name__ == "__main__":
    main()
