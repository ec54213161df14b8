"""A full disk, simulated by the system's limit on file size: writing fails in the kernel, half-way,
in whatever library writes."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest
import torch

from nassl.files import InputError
from nassl.training.checkpoint import Checkpoints
from nassl.training.weights import load_weights, save_weights
from stages.pretrain.__main__ import main

ROOM = 20_000  # bytes


@contextmanager
def files_up_to(size):
    """Writing beyond `size` bytes fails with EFBIG (Python ignores the signal SIGXFSZ)."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_checkpoint_that_does_not_fit_leaves_the_former_ones(tmp_path):
    with Checkpoints(tmp_path / "run", "f") as checkpoints:
        part = checkpoints.part()
        for epoch in (1, 2):
            part.save({"epoch": epoch})
        with (
            files_up_to(ROOM),
            pytest.raises(
                InputError, match=r"cannot be written .*too large.* is intact; make room"
            ),
        ):
            part.save({"epoch": 3, "weights": torch.zeros(ROOM)})
        assert part.load()["epoch"] == 2
        assert not list(part.last.parent.glob("*.new"))
        part.save({"epoch": 4})
        assert part.load()["epoch"] == 4


def test_weights_that_do_not_fit_leave_the_former_ones(tmp_path):
    path, network = tmp_path / "weights.safetensors", torch.nn.Linear(100, 100)
    save_weights(path, network)
    before = path.read_bytes()
    torch.nn.init.zeros_(network.weight)
    with (
        files_up_to(ROOM),
        pytest.raises(InputError, match=r"weights\.safetensors cannot be written.*make room"),
    ):
        save_weights(path, network)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]
    load_weights(path, network)


def test_a_stage_says_so_and_continues_from_its_checkpoint(
    tmp_path, plan, digits, genotype, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASSL_CHECKPOINT_SECONDS", "0")
    plan({"recipe.pretrain.epochs": 3})
    paths = ["--images", str(digits / "images"), "--genotype", str(genotype)]
    main(["s", *paths, "--out", "whole"])
    size = (tmp_path / "whole/weights.safetensors").stat().st_size
    with files_up_to(size // 2), pytest.raises(SystemExit) as end:
        main(["s", *paths, "--out", "full"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "File too large" in said
    assert "make room there and start the same command again" in said
    assert not (tmp_path / "full/manifest.json").exists()
    main(["s", *paths, "--out", "full"])
    for name in ("weights.safetensors", "metrics.json", "manifest.json"):
        assert (tmp_path / "full" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
