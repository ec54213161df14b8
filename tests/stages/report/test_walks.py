"""The two walks of CONTRIBUTING.md that lead through the report."""

from __future__ import annotations

import re

import pytest

from tests.stages.report.conftest import ROOT

TEXT = ROOT / "stages" / "report" / "text"


def walk(number: int) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text.partition(f"**{number}. ")[2].partition(f"**{number + 1}. ")[0]


@pytest.mark.parametrize(("number", "least"), [(4, 6), (6, 3)])
def test_the_files_of_a_walk_exist(number, least):
    named = re.findall(r"`((?:stages|workflow)/[^`]*)`", walk(number))
    assert len(named) >= least
    for path in named:
        assert list(ROOT.glob(re.sub("<[^>]*>", "*", path).rstrip("/"))), path


@pytest.mark.parametrize(
    ("sentence", "file"),
    [
        ("gradient searches collapsed (more than two skip", "findings.py"),
        ("ahead of", "order.py"),
        ("test images of", "data.py"),
        ("Measured wall time of the runs, added up", "page/costs.html.j2"),
        ("argues that contrastive search maximises the margin", "page/margins.html.j2"),
        ("too few for an interval", "prediction.py"),
        ("chosen without labels", "own.py"),
    ],
)
def test_a_sentence_of_the_report_is_found_in_one_folder(sentence, file):
    files = (path for path in TEXT.rglob("*") if path.suffix in (".py", ".j2"))
    found = [path.relative_to(TEXT).as_posix() for path in files if sentence in path.read_text()]
    assert file in found
    assert len(found) <= 2
