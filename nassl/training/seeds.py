"""Random numbers as a function of the place in a run."""

from __future__ import annotations

import hashlib

import torch


def seed_step(seed: int, epoch: int, step: int, stream: str = "weights") -> None:
    """Seeds torch's generators as a pure function of the place in the run.

    With this before every step a resumed run draws the same numbers without any saved generator.
    `stream` keeps apart what is drawn within one step for different purposes (`weights`, `beside`,
    `evaluation`, ...): the same stream seeded again draws the same views again.
    """
    place = f"{seed} {epoch} {step} {stream}".encode()
    torch.manual_seed(int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "little") >> 1)
