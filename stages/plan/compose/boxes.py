"""`boxes=voc boxes.root=...`: whether there is what it says, and a plan that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nassl.settings import SettingsError
from stages.layouts.coco import annotation_files, coco_root
from stages.plan.compose.corrections import corrected
from stages.plan.compose.roots import quoted

LAYOUTS = {
    "voc": "VOCdevkit/VOC<year> with Annotations, JPEGImages and ImageSets/Main",
    "coco": "annotations/instances_train*.json and instances_val*.json",
}


def settle_boxes(config: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Checks what was chosen. Gives overrides to be added: without a folder of images (data=folder)
    the annotated ones, but for those to test on, are searched and pretrained on.

    Raises SettingsError with the command that was meant, as far as it is known.
    """
    chosen = config.get("boxes") or {}
    kind = chosen.get("kind")
    if not kind:
        if chosen.get("root"):
            found = _layout(Path(chosen["root"]).expanduser())
            meant = f"; {corrected([f'boxes={found}', *overrides])}" if found else ""
            raise SettingsError(
                f"boxes.root is {chosen['root']!r}, and no layout is given: boxes=voc or "
                f"boxes=coco{meant}"
            )
        return []
    if "searches" not in config["papers"]["own"]:
        rest = [one for one in overrides if one.partition("=")[0] != "paper"]
        raise SettingsError(
            f"boxes={kind} adds detectors to the plan of your own images; "
            + corrected(["paper=own", *rest])
        )
    root = Path(config["data"]["boxes"]["root"])
    _check_root(kind, root, overrides)
    return [] if "folder" in config["data"] else _their_images(kind, root, overrides)


def about_a_folder_to_come(overrides: Sequence[str]) -> list[str]:
    """The overrides of `data.folder` that has no place before `settle_boxes` has added it."""
    keys = {one.partition("=")[0].lstrip("+") for one in overrides}
    if "boxes" not in keys or "boxes=none" in overrides or "data" in keys:
        return []
    return [one for one in overrides if one.startswith("data.folder.")]


def refuse_unused_boxes(config: dict[str, Any], report: dict[str, Any]) -> None:
    """Raises SettingsError if `only` leaves out what boxes=... asks for, or the networks that its
    page is about."""
    kind = (config.get("boxes") or {}).get("kind")
    if kind and "boxes" not in report:
        raise SettingsError(
            f"boxes={kind} changes nothing: only is {config['only']}; add own.boxes to it, or "
            "leave boxes out"
        )
    if kind and "own" not in report:
        raise SettingsError(
            f"only is {config['only']}; own.boxes needs rows of own.networks: add own.networks, or "
            '"own.networks/SSNAS (first order)"'
        )


def _check_root(kind: str, root: Path, overrides: Sequence[str]) -> None:
    if str(root) == ".":
        raise SettingsError(
            f"boxes.root is ''; give the folder with your annotated images, boxes.root=/path: "
            f"{LAYOUTS[kind]}"
        )
    if not root.is_dir():
        what = "is a file: unpack it" if root.exists() else "does not exist"
        raise SettingsError(f"boxes.root is {str(root)!r}, which {what}; a folder is expected")
    found = _layout(root)
    if found == kind:
        return
    others = [f"boxes={found}" if one == f"boxes={kind}" else one for one in overrides]
    meant = f"it is in the other one: {corrected(others)}" if found else "see docs/boxes.md"
    raise SettingsError(
        f"boxes.root is {str(root)!r}, which is not in the layout of boxes={kind}: "
        f"{LAYOUTS[kind]}; {meant}"
    )


def _layout(root: Path) -> str | None:
    """`voc` or `coco`, as far as names of files tell."""
    if _years(root):
        return "voc"
    return "coco" if any(annotation_files(coco_root(root)).values()) else None


def _their_images(kind: str, root: Path, overrides: Sequence[str]) -> list[str]:
    """The training images of the annotations, as a folder of images."""
    if kind == "coco":
        files = annotation_files(coco_root(root))["train"]
        folders = [file.parent.parent / file.stem.removeprefix("instances_") for file in files]
        if len(folders) == 1 and folders[0].is_dir():
            return ["data=folder", f"data.root={folders[0]}"]
    else:
        years = [sets.parents[1] for sets in _years(root)]
        if len(years) == 1 and (years[0] / "JPEGImages").is_dir():
            sets = years[0] / "ImageSets" / "Main"
            tested = next((f for f in (sets / "test.txt", sets / "val.txt") if f.exists()), None)
            if tested:
                without = f"data.folder.without={quoted(str(tested))}"
                return ["data=folder", f"data.root={years[0] / 'JPEGImages'}", without]
    raise SettingsError(
        "no folder of images to search and pretrain on is given, and the annotated ones are not in "
        f"one folder; {corrected([*overrides, 'data=folder', 'data.root=/path/to/images'])} (they "
        "need no labels)"
    )


def _years(root: Path) -> list[Path]:
    """VOC's folders ImageSets/Main."""
    devkit = root / "VOCdevkit" if (root / "VOCdevkit").is_dir() else root
    return sorted(devkit.glob("VOC[0-9][0-9][0-9][0-9]/ImageSets/Main"))
