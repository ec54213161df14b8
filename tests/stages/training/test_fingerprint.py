"""A checkpoint belongs to the settings, inputs and code of a run."""

from __future__ import annotations

from stages.runs.lines import Resources, ScoreRun
from stages.runs.run import Run
from stages.training.checkpoints import open_checkpoints
from stages.training.fingerprint import run_fingerprint


def test_the_fingerprint_sees_settings_inputs_and_threads(tmp_path):
    def fingerprint(seed=0, threads=1, inputs=()):
        line = ScoreRun("g", "s", "d", "labels", "n", "o", "r", seed)
        return run_fingerprint(
            Run("score", "x", line, {}, Resources(threads, 1, 0, 0, 1), ()), inputs
        )

    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.json").write_text('{"sha256": 1}')
    (tmp_path / "data/train.npy").write_text("not read: the manifest has its hash")
    (tmp_path / "genotype.json").write_text("{}")
    inputs = [tmp_path / "data", tmp_path / "genotype.json"]
    seen = [fingerprint(), fingerprint(1), fingerprint(threads=2), fingerprint(inputs=inputs)]
    assert fingerprint(inputs=inputs) == seen[-1]
    for changed in (tmp_path / "data/manifest.json", tmp_path / "genotype.json"):
        changed.write_text('{"sha256": 2}')
        seen.append(fingerprint(inputs=inputs))
    assert len(set(seen)) == len(seen)


def test_the_fingerprint_sees_code_of_both_languages(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.training.fingerprint.ROOT", tmp_path)
    line = ScoreRun("g", "s", "d", "labels", "n", "o", "r", 0)
    run = Run("score", "x", line, {}, Resources(1, 1, 0, 0, 1), ())
    seen = [run_fingerprint(run, [])]
    for name in (
        "nassl/a.py",
        "nassl/kernels/a.cpp",
        "nassl/kernels/a.h",
        "stages/runs/a.py",
        "stages/training/a.py",
        "stages/score/a.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
        seen.append(run_fingerprint(run, []))
    assert len(set(seen)) == len(seen)
    for name in ("nassl/a.cpython-311.pyc", "stages/search/a.py"):  # no code; another stage's
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    assert run_fingerprint(run, []) == seen[-1]


def test_under_dvc_a_held_lock_is_waited_for(run_of, monkeypatch):
    """Its holder was left running by a killed start: DVC starts a stage only once."""
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert not open_checkpoints(run_of("score")).wait
    monkeypatch.setenv("DVC_STAGE", "score@s")
    assert open_checkpoints(run_of("score")).wait
