"""The stage select, run as dvc.yaml runs it on hand-made scores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nassl.manifest import write_manifest
from stages.select.ranking import Candidate, rank, spread

ROOT = Path(__file__).resolve().parents[3]
RESOURCES = "{threads: 1, memory_mb: 1000, gpus: 0, retries: 0, minutes: 1}"


def cell(*operations: str) -> str:
    """A genotype whose normal cell has `operations` on its first edges; oddly spaced on purpose."""
    names = [*operations, *["sep_conv_3x3"] * (8 - len(operations))]
    nodes = [[[names[2 * n], 0], [names[2 * n + 1], 1]] for n in range(4)]
    plain = [[["max_pool_3x3", 0], ["max_pool_3x3", 1]]] * 4
    return json.dumps({"space": "cell", "normal": nodes, "reduce": plain}, indent=7) + "\n\n"


def write(root: Path, criterion: str, scores: dict[str, object]) -> None:
    """A plan with one select run `chosen` and a scored folder per candidate."""
    (root / "params.yaml").write_text(
        f"select:\n  chosen: {{candidates: [{', '.join(scores)}], criterion: {criterion}}}\n"
        f"resources:\n  select: {RESOURCES}\n"
    )
    for number, (name, metrics) in enumerate(scores.items()):
        folder = root / "score" / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "genotype.json").write_text(cell(*["skip_connect"] * number))
        write_manifest(folder, f"score@{name}")


def run(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.select", "chosen", "--scores", "score", "--out", "out"]
    return subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_lowest_contrastive_loss_wins(tmp_path):
    write(
        tmp_path,
        "contrastive_loss",
        {
            "a-s0": {"contrastive_loss": 3.0, "margin_mean": 0.1},
            "a-s1": {"contrastive_loss": 1.5, "margin_mean": 0.4},
            "a-s2": {"contrastive_loss": 2.4},
        },
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert (out / "genotype.json").read_bytes() == cell("skip_connect").encode()
    assert json.loads((out / "ranking.json").read_text()) == [
        {"rank": 1, "candidate": "a-s1", "score": 1.5, "margin_mean": 0.4, "skip_connections": 1},
        {"rank": 2, "candidate": "a-s2", "score": 2.4, "margin_mean": None, "skip_connections": 2},
        {"rank": 3, "candidate": "a-s0", "score": 3.0, "margin_mean": 0.1, "skip_connections": 0},
    ]
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["winner"] == "a-s1"
    assert metrics["criterion"] == "contrastive_loss"
    assert metrics["score"] == 1.5
    # Deviations from the mean 2.3: 0.7, -0.8, 0.1; squares sum to 1.14; divided by n - 1 = 2.
    assert metrics["spread"] == {
        "mean": pytest.approx(2.3),
        "std": pytest.approx(0.57**0.5),
        "n": 3,
    }
    assert "a-s1" in done.stdout
    assert "contrastive_loss" in done.stdout


def test_highest_accuracy_wins(tmp_path):
    write(tmp_path, "accuracy", {"b-s0": {"accuracy": 0.7}, "b-s1": {"accuracy": 0.9}})
    assert run(tmp_path).returncode == 0
    assert json.loads((tmp_path / "out/metrics.json").read_text())["winner"] == "b-s1"


def test_ties_are_broken_by_name():
    tied = [Candidate(name, 0.5, None, None) for name in ("c-s2", "c-s0", "c-s1")]
    for criterion in ("accuracy", "contrastive_loss"):
        assert [row.name for row in rank(tied, criterion)] == ["c-s0", "c-s1", "c-s2"]


def test_one_candidate_has_no_deviation():
    assert spread([Candidate("d-s0", 0.25, None, None)]) == {"mean": 0.25, "std": None, "n": 1}


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({"accuracy": 0.5}, "candidate 'e-s1' has no 'contrastive_loss'; it has: accuracy"),
        ({"contrastive_loss": float("nan")}, "contrastive_loss of candidate 'e-s1' is nan"),
        ({"contrastive_loss": float("inf")}, "contrastive_loss of candidate 'e-s1' is inf"),
        ({"contrastive_loss": "low"}, "contrastive_loss of candidate 'e-s1' is 'low'"),
    ],
)
def test_an_unusable_score_is_named_and_nothing_is_written(tmp_path, metrics, text):
    scores = {"e-s0": {"contrastive_loss": 1.0}, "e-s1": metrics}
    write(tmp_path, "contrastive_loss", scores)
    done = run(tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_candidate_is_named(tmp_path):
    write(tmp_path, "accuracy", {"f-s0": {"accuracy": 0.5}})
    (tmp_path / "score/f-s0/metrics.json").unlink()
    done = run(tmp_path)
    assert done.returncode == 2
    assert "score/f-s0/metrics.json is missing" in done.stderr


@pytest.mark.parametrize(
    ("criterion", "candidates", "text"),
    [
        ("luck", "[g]", "select.chosen.criterion is 'luck'; available: accuracy, contrastive_loss"),
        ("accuracy", "[]", "select.chosen.candidates is []"),
        ("accuracy", "[g, g]", "select.chosen.candidates is ['g', 'g']"),
    ],
)
def test_a_wrong_plan_is_refused(tmp_path, criterion, candidates, text):
    (tmp_path / "params.yaml").write_text(
        f"select:\n  chosen: {{candidates: {candidates}, criterion: {criterion}}}\n"
        f"resources:\n  select: {RESOURCES}\n"
    )
    done = run(tmp_path)
    assert done.returncode == 2
    assert text in done.stderr


def test_selecting_does_not_import_torch():
    code = "import sys, stages.select.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
