"""Nothing is lost or wrong when the graph is killed at random or single bytes are changed."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
import yaml

from tests.scenarios.chaos import Chaos, contents, differences
from tests.scenarios.project import Project

WANTED = {"start": 7, "search": 3, "score": 6, "select": 2, "retrain": 6}


def test_killed_at_random_moments_it_ends_with_the_same_bits(project, tmp_path):
    """One row of the plan, compared with the runs of the uninterrupted project; repeated from the
    beginning, at other moments, until there were 20 kills."""
    killed = Project(tmp_path / "killed", "scale=smoke", "only=[ssnas.table1/Random sampling]")
    compared = ("prepare", "search", "score", "select", "retrain")
    expected = contents(project.folder / "results", compared)
    chaos = Chaos(killed, seed=0, longest=3.0, cores=1, collide=True)
    while chaos.victims.total() < 20 or not {"score", "retrain"} <= chaos.kills.keys():
        chaos.begin_again()
        chaos.run(WANTED)
        assert chaos.failed == []
        found = contents(killed.folder / "results", compared)
        assert len(found) > 20
        assert differences({name: expected[name] for name in found}, found) == []
        assert killed.stale() == set()


# A file that a stage wrote, and the stage that reads it next.
FLIPPED = {
    "results/prepare/{data}/images/train.npy": "search",
    "results/prepare/{data}/images/order.npy": "pretrain",
    "results/prepare/{data}/images/manifest.json": "score",
    "results/prepare/{data}/labels/test.npy": "retrain",
    "results/prepare/{data}/no-labels/manifest.json": "search",
    "results/search/{search}/genotype.json": "score",
    "results/score/{select}/{score}/metrics.json": "select",
    "results/score/{select}/{score}/curves/plots/metrics/train_loss.tsv": "select",
    "results/score/{select}/{score}/cost.json": "select",
    "results/select/{select}/genotype.json": "retrain",
    "results/pretrain/{pretrain}/weights.safetensors": "probe",
    "results/pretrain/{pretrain}/manifest.json": "probe",
    "results/retrain/{retrain}/metrics.json": "report",
    "results/probe/{probe}/metrics.json": "report",
    "results/probe/{probe}/cost.json": "report",
    "results/prepare/{annotated}/labels/test.json": "transfer",
    "results/transfer/{transfer}/metrics.json": "report",
    "results/transfer/{transfer}/predictions.json": "report",
    "results/transfer/{transfer}/drawings/00.png": "report",
    "results/pretrain/{pretrain}/curves/metrics.json": "report",
}


def test_a_flipped_byte_is_noticed_and_named_by_the_next_reader(project, monkeypatch, capsys):
    """The file's date is restored, as with a failing disk: only its reader can notice."""
    plan = yaml.safe_load((project.folder / "params.yaml").read_text())
    names = {stage: next(iter(lines)) for stage, lines in plan.items() if isinstance(lines, dict)}
    names["retrain"], retrain = next(
        item for item in plan["retrain"].items() if item[1]["architecture"].startswith("select/")
    )
    select = retrain["architecture"].removeprefix("select/")
    score = plan["select"][select]["candidates"][0]
    search = plan["score"][score]["search"]
    names |= {"select": select, "score": score, "search": search, "data": retrain["data"]}
    names["annotated"] = plan["transfer"][names["transfer"]]["data"]
    project.snakemake()
    undisturbed = contents(project.folder / "results")
    monkeypatch.chdir(project.folder)
    commands = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    for pattern, reader in FLIPPED.items():
        path = project.folder / pattern.format(**names)
        written, times = path.read_bytes(), path.stat()
        place = len(written) // 2
        path.write_bytes(written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        file = pattern.format(**names)
        command = next(
            entry["cmd"].split()
            for name, entry in commands.items()
            if name.split("@")[0] == reader
            and any(Path(file).is_relative_to(word) for word in entry["cmd"].split())
        )
        words = command[command.index("-m") + 1 : -1]  # `stages.<stage> <run> --... --out`
        stage = importlib.import_module(f"{words[0]}.__main__")
        with pytest.raises(SystemExit) as ended:
            stage.main([*words[1:], "elsewhere"])
        text = capsys.readouterr().err
        assert ended.value.code == 2, f"{file} was not noticed: {text}"
        assert not Path("elsewhere").exists()
        assert file in text
        if "is not JSON" not in text:  # then nothing in it can be trusted, not even its maker
            maker = pattern.split("/")[1]
            run = file.split("/")[2] if maker == "prepare" else names[maker]
            repair = f"dvc repro --force --single-item {maker}@{run}"
            assert "its sha256 is" in text or "does not match its own sha256" in text
            assert repair in text
        path.write_bytes(written)
    assert contents(project.folder / "results") == undisturbed


def test_what_is_advised_repairs(project):
    """A change that DVC sees, too: only that stage is restored, the others have nothing to do."""
    project.snakemake()
    undisturbed = contents(project.folder / "results")
    pretrain = next((project.folder / "results/pretrain").iterdir())
    weights = pretrain / "weights.safetensors"
    written = weights.read_bytes()
    flipped = written[:-3] + bytes([written[-3] ^ 1]) + written[-2:]
    weights.write_bytes(flipped)
    name = f"pretrain@{pretrain.name}"
    readers = {"pretrain", "probe", "transfer", "report"}
    assert name in project.stale()
    assert {stage.split("@")[0] for stage in project.stale()} <= readers
    project.run("dvc", "repro", "--force", "--single-item", name)
    assert weights.read_bytes() == written
    assert contents(project.folder / "results") == undisturbed
    assert project.stale() <= {"report"}  # which states what the repair cost
    project.snakemake()
    weights.write_bytes(flipped)
    project.snakemake()  # does the same by itself, from the cache
    assert contents(project.folder / "results") == undisturbed
    assert project.stale() == set()
