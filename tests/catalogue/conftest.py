"""Bad input to the real commands: each ends with its message and code 2, and writes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nassl.manifest import write_manifest
from stages.prepare.__main__ import prepare
from stages.pretrain.__main__ import main as pretrain_main
from stages.probe.__main__ import main as probe_main
from stages.runs.command import stage_command
from stages.score.__main__ import main as score_main
from stages.search.__main__ import search
from stages.select.__main__ import main as select_main

COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "prepare": partial(stage_command, "prepare", "", (), prepare, manifest=False),
    "search": partial(stage_command, "search", "", ("images", "labels"), search),
    "score": score_main,
    "select": select_main,
    "pretrain": pretrain_main,
    "probe": probe_main,
}


def files(folder: Path) -> dict[str, bytes | None]:
    """Every path below `folder` with its content, None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.fixture
def refused(tmp_path, plan, capsys, monkeypatch):
    """`refused("pretrain", "s", changes, genotype=path)` runs the command on the changed plan of
    the tests and returns its message; checks its exit code and that nothing is left behind."""
    monkeypatch.chdir(tmp_path)

    def run(stage: str, name: str = "s", changes: dict | None = None, **paths: Path) -> str:
        if changes is not None or not (tmp_path / "params.yaml").exists():
            plan(changes or {})
        options = [word for key, path in paths.items() for word in (f"--{key}", str(path))]
        before = files(tmp_path)
        with pytest.raises(SystemExit) as end:
            COMMANDS[stage]([name, *options, "--out", str(tmp_path / "out" / name)])
        assert end.value.code == 2
        after = files(tmp_path)
        after.pop("out", None)  # made for the output's folder, and removed again
        assert after == before
        said = capsys.readouterr().err
        assert said.startswith(f"{stage} {name}: ")
        assert "Traceback" not in said
        return said

    return run


@pytest.fixture
def pretrained(tmp_path, digits, genotype) -> Path:
    """A run's folder with the weights of the tests' network, sealed as the stage's command does."""
    import torch

    from nassl.genotypes import read_genotype
    from nassl.settings import Network
    from nassl.training.discrete import initial_network
    from nassl.training.weights import save_weights

    folder = tmp_path / "pretrained"
    folder.mkdir()
    network = initial_network(
        read_genotype(genotype), Network("cifar", 2, 3), 16, 0, torch.device("cpu")
    )
    save_weights(folder / "weights.safetensors", network)
    shutil.copy(genotype, folder)
    write_manifest(folder, "pretrain@s")
    return folder
