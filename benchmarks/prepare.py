"""`prepare` against itself before it checked what people bring: time and memory.

prepare_small_images   60,000 images of 32 to 48 pixels in ten class folders, packed
prepare_indexed        the same as kind imagenet: indexed, every file hashed
prepare_annotations    an annotation file of 200 MB in COCO's layout
*_memory               peak memory of the same

The other side is the commit that the checks came after, checked out beside. Both sides prepare the
same files in turn, in processes of their own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import command, record

BEFORE = "60d348d"
ROOT = Path(__file__).resolve().parents[1]
IMAGES, CLASSES = 60_000, 10
SCENES, BOXES, POINTS = 51_000, 8, 24  # of the annotations: about 200 MB

# Linux starts a child's maximum at what its parent held when forking: a small one stands between.
_MEASURED = """
import os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
sys.exit(status != 0)
"""


@contextmanager
def _sides() -> Iterator[dict[str, Path]]:
    """The two checkouts. Raises subprocess.CalledProcessError without the history."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(other), BEFORE], check=True)
        try:
            yield {"ours": ROOT, "other": other}
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


def _measure(checkout: Path, work: Path) -> list[float]:
    """Wall seconds, CPU seconds and peak bytes of `prepare` of the plan in `work`."""
    stage = [sys.executable, "-m", "stages.prepare", "own", "--out", "out"]
    printed = subprocess.run(
        [sys.executable, "-c", _MEASURED, *stage],
        cwd=work,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [float(word) for word in printed.split()]


def _compare(claim: str, data: dict[str, object], rounds: int, note: str) -> None:
    with _sides() as sides, tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        asked = {"threads": 1, "memory_mb": 8000, "gpus": 0, "retries": 0, "minutes": 60}
        plan = {
            "data": {"own": data},
            "prepare": {"own": {"data": "own"}},
            "resources": {"prepare": asked},
        }
        (work / "params.yaml").write_text(json.dumps(plan))
        found: dict[str, list[list[float]]] = {name: [] for name in sides}
        for turn in range(rounds + 1):
            for name, checkout in sides.items():
                measured = _measure(checkout, work)
                if turn:  # the first fills the file cache
                    found[name].append(measured)
        median = {
            name: [statistics.median(column) for column in zip(*rows, strict=True)]
            for name, rows in found.items()
        }
        (wall, cpu, peak), (wall_before, cpu_before, peak_before) = median.values()
        record(
            f"prepare_{claim}",
            ours=cpu,
            other=cpu_before,
            ratio=cpu / cpu_before,
            unit="s of CPU",
            n=rounds,
            packages=("pillow", "numpy"),
            note=f"{note}; wall {wall:.3g} and {wall_before:.3g} s",
        )
        record(
            f"prepare_{claim}_memory",
            ours=peak / 2**20,
            other=peak_before / 2**20,
            ratio=peak / peak_before,
            unit="MiB",
            n=rounds,
            packages=("pillow", "numpy"),
            note=note,
        )


def make_small_images(root: Path, top: str = "", test: str = "") -> None:
    """Every other image is a PNG of 32x32, the rest JPEGs of 48x40; with `test` a sixth lies in a
    part of that name."""
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        part = test if test and number % 6 == 0 else top
        folder = root / part / f"class{number // 6 % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        height, width = (32, 32) if number % 2 else (40, 48)
        pixels = random.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:06d}.{'png' if number % 2 else 'jpg'}")


def make_annotations(root: Path) -> int:
    """A data set in COCO's layout, its images links to one small file each; bytes of the two
    annotation files together."""
    random = np.random.default_rng(0)
    categories = [{"id": n + 1, "name": f"class{n}", "supercategory": "x"} for n in range(CLASSES)]
    total = 0
    (root / "annotations").mkdir(parents=True)
    for part, count in (("train2017", SCENES), ("val2017", SCENES // 20)):
        (root / part).mkdir()
        images, annotations = [], []
        for number in range(1, count + 1):
            name = f"{number:012d}.jpg"
            if number == 1:
                pixels = random.integers(0, 256, (48, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name)
            else:
                os.link(root / part / f"{1:012d}.jpg", root / part / name)
            images.append({"id": number, "file_name": name, "width": 64, "height": 48})
            for _ in range(BOXES):
                x, y = random.uniform(1, 30, 2).round(2).tolist()
                angles = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
                outline = np.stack([x + 8 + 8 * np.cos(angles), y + 8 + 8 * np.sin(angles)], axis=1)
                annotations.append(
                    {
                        "segmentation": [outline.round(2).ravel().tolist()],
                        "area": 200.0,
                        "iscrowd": 0,
                        "image_id": number,
                        "bbox": [x, y, 16.0, 16.0],
                        "category_id": len(annotations) % CLASSES + 1,
                        "id": len(annotations) + 1,
                    }
                )
        content = {"images": images, "annotations": annotations, "categories": categories}
        file = root / "annotations" / f"instances_{part}.json"
        file.write_text(json.dumps(content))
        total += file.stat().st_size
    return total


def prepare_small_images(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        make_small_images(Path(root))
        data = {"kind": "folder", "image_size": 32, "root": root, "test_fraction": 0.2}
        _compare("small_images", data, rounds, f"{IMAGES:,} images, packed")


def prepare_indexed(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        make_small_images(Path(root), "train", "val")
        data = {"kind": "imagenet", "image_size": 32, "root": root}
        _compare("indexed", data, rounds, f"{IMAGES:,} images, indexed")


def prepare_annotations(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        size = make_annotations(Path(root))
        note = f"{size / 1e6:.0f} MB of annotations, {SCENES * BOXES:,} boxes"
        _compare("annotations", {"kind": "coco", "root": root}, rounds, note)


if __name__ == "__main__":
    claims = {
        "prepare_small_images": prepare_small_images,
        "prepare_indexed": prepare_indexed,
        "prepare_annotations": prepare_annotations,
    }
    command(__doc__, claims, rounds=3)
