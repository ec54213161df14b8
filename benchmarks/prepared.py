"""Prepared images of noise: what `prepare` would have written, without a data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nassl.data.images import Images, open_images


def prepared_images(folder: Path, counts: dict[str, int], side: int) -> dict[str, Images]:
    """Writes `counts` of images a part into `folder` and opens them; the first part is the
    one that a search splits."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in counts.items():
        pixels = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        np.save(folder / f"{part}.npy", pixels)
    first = next(iter(counts.values()))
    np.save(folder / "order.npy", random.permutation(first))
    manifest = {
        "format": "packed",
        "counts": counts,
        "image_size": side,
        "mean": [0.4914, 0.4822, 0.4465],
        "std": [0.2470, 0.2435, 0.2616],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return {part: open_images(folder, part) for part in counts}
