"""Expected numbers of a scale: written from a run, compared with another one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from nassl.files import InputError
from stages.plan.__main__ import main as plan
from stages.report.__main__ import report
from stages.report.expected import compare, fingerprint, from_run, main, numbers, tolerance

ROOT = Path(__file__).resolve().parents[3]
EXPECTED = ROOT / "workflow/report/expected"

PLAN = """
data: {digits: {kind: digits, test: 200}, pool: {kind: digits, test: 50}}
retrain:
  a-s0: {data: digits, seed: 0}
  b-s0: {data: pool, seed: 0}
resources: {retrain: {threads: 2}}
report:
  scale: tiny
  tables:
    ssnas.table1:
    - {row: A, runs: [retrain/a-s0]}
    ssnas.section4_4:
    - {row: A minus B, runs: [retrain/a-s0], minus: [retrain/b-s0]}
    faunae.table3:
    - {row: B, runs: [retrain/a-s0, retrain/b-s0]}
"""
FOUND = {
    "ssnas": {"table1": {"A": 10.0}, "section4_4": {"A-minus-B": -2.0}},
    "faunae": {"table3": {"B": {"AP": 50.0, "AP50": 0.0}}},
    "rows_reproduced": 3,
    "ssl_gain": {"mean_ratio": 1.5},
}


@pytest.fixture
def finished(tmp_path):
    """A finished run, and the folder with what is expected from it."""
    (tmp_path / "params.yaml").write_text(PLAN)
    tables = tmp_path / "results" / "tables"
    tables.mkdir(parents=True)
    (tables / "metrics.json").write_text(json.dumps(FOUND))
    folder = tmp_path / "expected"
    folder.mkdir()
    (folder / "tiny.yaml").write_text(from_run(tmp_path))
    return tmp_path


def compared(finished, **changes):
    return compare(FOUND | changes, finished / "params.yaml", finished / "expected")


def test_a_file_has_every_number_that_is_not_derived_with_its_tolerance(finished):
    numbers = yaml.safe_load((finished / "expected" / "tiny.yaml").read_text())["numbers"]
    assert {name: entry["value"] for name, entry in numbers.items()} == {
        "ssnas.table1.A": 10,
        "ssnas.section4_4.A-minus-B": -2,
        "faunae.table3.B.AP": 50,
        "faunae.table3.B.AP50": 0,
        "rows_reproduced": 3,
    }
    # 3 * sqrt(2 * 0.1 * 0.9 / 200); of both accuracies, each at most sqrt(2 * 0.25 / 50); of the
    # smaller of two test sets; an image of 50
    assert [entry["tolerance"] for entry in numbers.values()] == pytest.approx(
        [9.0, 42.4, 30.0, 2.0, 0.0], abs=0.05
    )


def test_a_run_within_its_ranges_says_so(finished):
    same = compared(finished)
    assert same.text == "All 5 numbers are as expected at scale tiny (expected/tiny.yaml)."
    assert same.left == ()
    near = compared(finished, ssnas=FOUND["ssnas"] | {"table1": {"A": 18.9}})
    assert near == same


def test_numbers_that_left_their_range_are_named(finished):
    found = compared(
        finished,
        ssnas={"table1": {"A": 19.1, "C": 1.0}, "section4_4": {"A-minus-B": -2.0}},
        faunae={"table3": {"B": {"AP": 50.0}}},
        rows_reproduced=2,
    )
    assert found.left == (
        "ssnas.table1.A is 19.1, expected 10 ± 9",
        "faunae.table3.B.AP50 is missing, expected 0 ± 2",
        "rows_reproduced is 2, expected 3 ± 0",
        "ssnas.table1.C is 1, expected to be missing",
    )
    assert found.text.startswith("4 of 6 numbers are not as expected at scale tiny (expected/")
    assert all(text in found.text for text in found.left)


def test_only_that_very_plan_is_compared(finished):
    plan = finished / "params.yaml"
    plan.write_text("# an edited comment\n" + PLAN.replace("threads: 2", "threads: 3"))
    assert compared(finished).text.startswith("All 5 numbers")
    plan.write_text(PLAN.replace("test: 200", "test: 100"))
    assert compared(finished, rows_reproduced=0).text == (
        "Not compared with the numbers expected at scale tiny (expected/tiny.yaml): the plan is "
        "not the one that they belong to, which `python -m stages.plan scale=tiny` wrote."
    )
    plan.write_text(PLAN.replace("scale: tiny", "scale: huge"))
    assert compared(finished) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan: [", "tiny.yaml is not YAML"),
        ("numbers: {}", "has no `plan` and `numbers`; write it again with `python -m stages.rep"),
        ("plan: a\nnumbers: {x.y.z: 3}", "x.y.z is 3; a value and a tolerance are expected"),
        ("plan: a\nnumbers: {x: {value: .nan, tolerance: 1}}", "x is .* are expected"),
    ],
)
def test_a_damaged_file_is_refused(finished, text, message):
    (finished / "expected" / "tiny.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        compared(finished)


def test_a_test_set_without_a_size_has_no_tolerance(finished, capsys):
    (finished / "params.yaml").write_text(PLAN.replace(", test: 50", ""))
    with pytest.raises(SystemExit):
        main([str(finished)])
    assert "ssnas.section4_4: the plan does not say how many test images" in capsys.readouterr().err


def test_one_image_is_always_tolerated():
    assert tolerance(0, 50) == tolerance(100, 50) == 2.0
    assert tolerance(50, 200) == pytest.approx(15.0)


@pytest.mark.parametrize("file", sorted(EXPECTED.glob("*.yaml")), ids=lambda file: file.stem)
def test_files_belong_to_the_present_plan(file, tmp_path):
    """After a change of the plan: run it, and write its numbers anew."""
    params = tmp_path / "params.yaml"
    plan([f"scale={file.stem}", "--out", str(params)])
    assert yaml.safe_load(file.read_text())["plan"] == fingerprint(
        yaml.safe_load(params.read_text())
    )


def test_the_log_and_the_page_say_how_it_went(project, capsys):
    results, plan = project / "results", project / "params.yaml"
    reported = project / "reported" / "paper_tables.yaml"
    shutil.copytree(ROOT / "workflow/report", reported.parent)
    for file in reported.with_name("expected").iterdir():
        file.unlink()

    def written():
        html = project / "page.html"
        report(results, reported, results / "tables", html, plan)
        return html.read_text(), capsys.readouterr()

    page, log = written()  # of this scale nothing is expected
    assert "expected" not in log.out + log.err
    assert "Expected numbers" not in page
    found = numbers(json.loads((results / "tables" / "metrics.json").read_text()))
    entries = {name: {"value": value, "tolerance": 0} for name, value in found}
    expected = {"plan": fingerprint(yaml.safe_load(plan.read_text())), "numbers": entries}
    file = reported.with_name("expected") / "toy.yaml"
    file.write_text(yaml.safe_dump(expected))
    page, log = written()
    assert f"All {len(entries)} numbers are as expected" in log.out
    assert f"<dt>Expected numbers</dt><dd>All {len(entries)} numbers are" in page
    assert '<p class="caution">' not in page
    entries["ssnas.table1.Random-sampling.test_error_percent"]["value"] += 1
    file.write_text(yaml.safe_dump(expected))
    page, log = written()
    left = (
        f"1 of {len(entries)} numbers are not as expected at scale toy (expected/toy.yaml): ssnas"
    )
    assert left in log.err
    assert f'<p class="caution">{left}' in page
