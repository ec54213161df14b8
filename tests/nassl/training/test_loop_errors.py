"""What the loop says where a training cannot go on."""

from __future__ import annotations

import re

import pytest
import torch

from nassl.files import InputError
from nassl.training.non_finite import NonFiniteError
from tests.nassl.training.small_training import Batches, Noisy, run


def test_a_non_finite_loss_is_explained(tmp_path):
    with pytest.raises(NonFiniteError) as error:
        run(tmp_path, Batches(), scale=1.0, rate=1e38)
    text = str(error.value)
    assert "epoch 1, step 2 of 5: the loss is" in text
    assert "learning rate 4e+37; last good checkpoint: " in text
    assert "(epoch 1, step 2); lower the learning rate" in text
    assert (tmp_path / "checkpoints/training.ckpt").exists()


def test_batches_that_cannot_be_trained_on(tmp_path):
    single = Batches()
    single.batch_size = 1
    with pytest.raises(InputError, match=r"recipe.batch_size is 1, but batch norm"):
        run(tmp_path / "a", single)


def on_a_gpu(_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has")


def in_numpy(_):
    raise MemoryError


def on_a_cpu(x):
    return x + torch.empty(2**50)


@pytest.mark.parametrize("fails", [on_a_gpu, on_a_cpu, in_numpy])
@pytest.mark.parametrize("method", ["loss", "evaluate"])
def test_out_of_memory_names_the_batch_and_what_to_do(tmp_path, monkeypatch, fails, method):
    monkeypatch.setattr(Noisy, method, lambda self, network, images, labels: fails(images))
    with pytest.raises(InputError, match=r"out of memory with a batch of 4 images; halve recipe\."):
        run(tmp_path, Batches())


def test_other_errors_of_a_step_stay_what_they_are(tmp_path, monkeypatch):
    def wrong(self, network, images, labels):
        raise RuntimeError("shape")

    monkeypatch.setattr(Noisy, "loss", wrong)
    with pytest.raises(RuntimeError, match=r"^shape$"):
        run(tmp_path, Batches())


class Infinite(torch.autograd.Function):
    """The identity, with a gradient that is not finite."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient * float("inf")


def test_a_non_finite_gradient_of_a_finite_loss_is_explained(tmp_path, monkeypatch):
    loss, calls = Noisy.loss, []

    def later(self, network, images, labels):
        calls.append(1)
        value = loss(self, network, images, labels)
        return Infinite.apply(value) if len(calls) == 8 else value

    monkeypatch.setattr(Noisy, "loss", later)
    with pytest.raises(NonFiniteError) as error:
        run(tmp_path, Batches())
    text = str(error.value)
    assert text.startswith("epoch 2, step 3 of 5: the loss is ")
    assert re.search(r"the norm of its gradient (inf|nan); learning rate 0\.1; last good", text)
    assert "training.ckpt (epoch 2, step 3); lower the learning rate, lengthen the warm-up" in text
    monkeypatch.undo()
    resumed, files, _ = run(tmp_path, Batches())  # the checkpoint is intact
    expected, expected_files, _ = run(tmp_path / "whole", Batches())
    assert all(torch.equal(a, b) for a, b in zip(expected, resumed, strict=True))
    assert files == expected_files
