"""manifest.json: what a stage wrote, with hashes, so that a changed byte is noticed on reading.

A stage's command writes it last, so a run's folder without one is incomplete. It is sealed with its
own hash. So is cost.json, which it does not list, because costs differ between machines and a
manifest must not.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from nassl.files import InputError, read_json, write_json

MANIFEST, COST = "manifest.json", "cost.json"
SEAL = "sha256"


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """`content` with the hash of the rest under `sha256`."""
    return content | {SEAL: _seal_of(content)}


def write_manifest(folder: Path, maker: str) -> None:
    """Lists every file under `folder` with its hash; `maker` is the stage's address in DVC."""
    write_json(folder / MANIFEST, sealed({"maker": maker, "files": file_hashes(folder)}))


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of all files below `folder` by their path in it, except manifest and cost."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path: path.relative_to(folder).as_posix() for path in files}
    return {name: file_hash(path) for path, name in names.items() if name not in (MANIFEST, COST)}


def verify(path: Path) -> None:
    """Compares a stage's input with what the stage before it wrote.

    A file is compared with the manifest beside it; without one it was made by hand and is accepted.
    A folder is compared as a whole; one without a manifest must have them in all of its folders. A
    missing path is reported by the code that opens it.

    Raises InputError naming the file, both hashes, and the stage to run again.
    """
    if path.is_file():
        if not (path.parent / MANIFEST).exists():
            return
        manifest = _read_manifest(path.parent)
        if path.name == COST:
            _read_sealed(path, manifest["maker"])
        elif path.name != MANIFEST:
            if path.name not in manifest["files"]:
                raise InputError(f"{path} is not listed in {MANIFEST} beside it; move it elsewhere")
            _compare(path, manifest["files"][path.name], manifest)
    elif (path / MANIFEST).exists():
        manifest = _read_manifest(path)
        for name, expected in manifest["files"].items():
            _compare(path / name, expected, manifest)
        if (path / COST).exists():
            _read_sealed(path / COST, manifest["maker"])
    elif path.is_dir():
        folders = sorted(inner for inner in path.iterdir() if inner.is_dir())
        if not folders:
            raise InputError(f"{path} has no {MANIFEST}: its stage did not finish; run it again")
        for inner in folders:
            if not (inner / MANIFEST).exists():
                raise InputError(
                    f"{inner} has no {MANIFEST}: its stage did not finish; run it again"
                )
            verify(inner)


def _read_manifest(folder: Path) -> dict[str, Any]:
    content = _read_sealed(folder / MANIFEST)
    maker, files = content.get("maker", ""), content.get("files", {})
    if not isinstance(maker, str) or not isinstance(files, dict):
        raise InputError(f"{folder / MANIFEST} is not a manifest: it has no list of files")
    return {"maker": maker, "files": files}


def _read_sealed(path: Path, maker: str = "") -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or SEAL not in content:
        maker = maker or (str(content.get("maker", "")) if isinstance(content, dict) else "")
        raise InputError(f"{path} does not match its own {SEAL}; {_again(maker)}")
    rest = {key: value for key, value in content.items() if key != SEAL}
    if (found := _seal_of(rest)) != content[SEAL]:
        maker = maker or str(rest.get("maker", ""))
        raise InputError(_changed(path, found, content[SEAL], path.name, maker))
    return rest


def _compare(path: Path, expected: str, manifest: dict[str, Any]) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing; {_again(manifest['maker'])}")
    if (found := file_hash(path)) != expected:
        raise InputError(_changed(path, found, expected, MANIFEST, manifest["maker"]))


def _changed(path: Path, found: str, expected: str, source: str, maker: str) -> str:
    return (
        f"{path} is not what its stage wrote: its sha256 is {found}, {source} says {expected}; "
        f"{_again(maker)}"
    )


def _again(maker: str) -> str:
    """With `--force`, because DVC may take a silently changed file for up to date, and its copy in
    the cache may be the damaged one."""
    return (
        f"make it again with `dvc repro --force --single-item {maker or '<its stage>'}`, "
        "no other stage has to run"
    )


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal_of(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
