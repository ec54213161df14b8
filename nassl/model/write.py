"""Writes model.json beside the weights and the genotype of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nassl import __version__
from nassl.data.images import images_manifest
from nassl.files import write_json
from nassl.manifest import file_hash
from nassl.model.facts import FORMAT, GENOTYPE, LICENCE, MODEL, PIXELS, WEIGHTS, validate
from nassl.settings import Network


def write_model(
    folder: Path,
    *,
    run: str,
    plan_sha256: str,
    network: Network,
    images: Path,
    data: str,
    crop: int,
    classes: Sequence[str] | None = None,
) -> None:
    """Writes `folder`/model.json, when genotype and weights lie there already.

    `run` is <stage>/<name>, `images` the prepared images folder of the data set `data`, `crop` the
    side in pixels of what the network sees. `classes` are the class names of a network trained with
    labels, None for one trained without them; nothing else that is written depends on a label. The
    same arguments and files give the same bytes on any machine. The version is for information
    only: dvc.yaml does not track it, so that a release makes no trained network stale.

    Raises InputError if the images folder is not one or what would be written is not allowed.
    """
    manifest = images_manifest(images)
    content = {
        "format": FORMAT,
        "run": run,
        "files": {name: file_hash(folder / name) for name in (GENOTYPE, WEIGHTS)},
        "network": asdict(network),
        "input": {
            "side": int(manifest["image_size"]),
            "crop": crop,
            "mean": manifest["mean"],
            "deviation": manifest["std"],
            **PIXELS,
        },
        "classes": None if classes is None else list(classes),
        "data": {"name": data, "kind": manifest["kind"], "counts": manifest["counts"]},
        "plan_sha256": plan_sha256,
        "nassl": __version__,
        "licence": LICENCE,
    }
    validate(content, str(folder / MODEL))
    write_json(folder / MODEL, content)
