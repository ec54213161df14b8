"""Weights on disk: safetensors files whose keys are checked, never pickle.

A loader that skips what does not match lets a wrong file pass as a badly trained network. Here the
keys and shapes of file and module must agree, except for one named head that the file may lack.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nassl.files import InputError


def save_weights(path: Path, module: nn.Module) -> None:
    """Writes the parameters and buffers of `module` to `path`; the same values give the same bytes.

    The file is written under another name and renamed, so that it is never half-written. Raises
    InputError if there is no room for it.
    """
    tensors = {key: value.detach().cpu().contiguous() for key, value in _state(module).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    try:
        save_file(tensors, beside)
    except SafetensorError as error:  # a full disk raises this, without an error number
        beside.unlink(missing_ok=True)
        raise InputError(
            f"{path} cannot be written: {error}; make room there and start the same command again"
        ) from error
    os.replace(beside, path)


def load_weights(path: Path, module: nn.Module, head: str | None = None) -> None:
    """Copies the tensors of `path` into `module`.

    `head` names the submodule that the file lacks (a fresh classifier, for example): the missing
    keys must be exactly its keys. Raises InputError if the file cannot be read or a key, a shape or
    a type differs; `module` is unchanged then.
    """
    if not path.exists():
        raise InputError(f"{path} is missing; run the stage that writes it")
    try:
        found = load_file(path)
    except SafetensorError as error:
        raise InputError(
            f"{path} is not a safetensors file: {error}; if a stage wrote it, run that stage again "
            "with `dvc repro --force`; if it is your own, use an intact one"
        ) from error
    own = _state(module)
    if head is not None and not hasattr(module, head):
        raise KeyError(f"{type(module).__name__} has no submodule {head!r}")
    fresh = {key for key in own if head is not None and key.startswith(head + ".")}
    expected = set(own) - fresh
    what = f"{type(module).__name__}" + (f" without its {head}" if head else "")
    advice = "it belongs to another network, or genotype and network settings changed since"
    lacking, foreign = expected - set(found), set(found) - expected
    for keys, problem in (
        (lacking, f"lacks {len(lacking)} of {len(expected)} keys"),
        (foreign, f"has {len(foreign)} keys beyond the {len(expected)} expected"),
    ):
        if keys:
            raise InputError(
                f"{path} does not fit {what}: it {problem}, first {min(keys)!r}; {advice}"
            )
    for key in sorted(expected):
        kept, given = own[key], found[key]
        if (kept.shape, kept.dtype) != (given.shape, given.dtype):
            raise InputError(
                f"{path} does not fit {what}: {key!r} is {given.dtype} {tuple(given.shape)}, "
                f"expected {kept.dtype} {tuple(kept.shape)}; {advice}"
            )
    with torch.no_grad():
        for key in expected:
            own[key].copy_(found[key])


def fingerprint(module: nn.Module) -> str:
    """SHA-256 (hexadecimal) over names, types, shapes and bytes of all parameters and buffers.

    Batch norm's running statistics are included: equal fingerprints mean bit-identical weights.
    """
    digest = hashlib.sha256()
    for key, value in sorted(_state(module).items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(raw.numpy().tobytes())
    return digest.hexdigest()


def _state(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.state_dict(keep_vars=True))
