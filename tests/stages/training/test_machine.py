"""Where a run computes, kept beside its checkpoints."""

from __future__ import annotations

import torch

from nassl.training.moves import differences
from stages.training.machine import machine


def test_the_machine_is_what_bits_depend_on(run_of, monkeypatch):
    found = machine(run_of("score"))
    assert found["device"].startswith("cpu (")
    assert found["torch"] == torch.__version__.partition("+")[0]
    assert {"numpy", "torchvision", "pillow"} <= found.keys()
    assert found["compiled kernels"] == "yes"
    monkeypatch.setenv("CXX", "no-such-compiler")
    without = machine(run_of("score"))
    assert differences(found, without) == "compiled kernels yes, now no"
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("NASSL_KERNELS", "0")
    assert machine(run_of("score")) == without
    del without["numpy"]
    assert differences(without, found) == (
        f"compiled kernels no, now yes; numpy none, now {found['numpy']}"
    )
    assert differences(found, found) == ""
