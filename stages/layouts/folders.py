"""The part and the class of every image, from the folders that contain it.

Layouts:
    train/<class>/*  test/<class>/*  [unlabeled/*]   (val/ serves as test/ if there is no test/)
    train/*  test/*                                  no labels
    <class>/*  [unlabeled/*]                         one set; data.test_fraction draws a test part
    *                                                one set without labels

Parts may be spelt in any usual way (`splits.split_of`). A folder that holds everything else carries
no information and is skipped, so that a root may be given one level too high.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nassl.files import InputError
from nassl.image_files.walk import HIDDEN, Found, in_words
from stages.layouts.remarks import Remarks
from stages.layouts.splits import class_of, split_of, splits_of

Place = tuple[str, str | None]  # part and, unless there are no labels, class
SHOWN = 20  # names that an error lists


@dataclass
class Layout:
    """`places` has the part and class of every path, None for one that is not used; `classes` the
    names in order, None without labels."""

    places: list[Place | None]
    classes: list[str] | None
    remarks: Remarks = field(default_factory=Remarks)

    def counts(self) -> dict[str, Counter[str | None]]:
        """Images of every class by part."""
        counts: dict[str, Counter[str | None]] = {}
        for place in self.places:
            if place is not None:
                counts.setdefault(place[0], Counter())[place[1]] += 1
        return counts


def arrange(found: Found, root: Path) -> Layout:
    """Raises InputError for a layout that is unknown or ambiguous."""
    passed, split = _passed_over([PurePosixPath(path).parts for path in found.paths])
    root = root.joinpath(*passed)
    paths = ["/".join(parts) for parts in split]
    tops = {parts[0] for parts in split if len(parts) > 1}
    parts_of = splits_of(sorted(tops))
    remarks = Remarks()
    if list(parts_of.values()) == ["unlabeled"] and len(tops) > 1:
        _check_not_below([parts for parts in split if parts[0] not in parts_of], root)
        raw = _beside_unlabeled(split, parts_of)
    elif parts_of:
        raw = _in_parts(split, paths, parts_of, root, remarks)
    else:
        _check_not_below(split, root)
        raw = [("train", parts[0] if len(parts) > 1 else None) for parts in split]
    layout = Layout(_named(raw, root, remarks), None, remarks)
    layout.classes = _classes(layout.places, paths, root)
    _remark_on_others(found, remarks)
    return layout


def _beside_unlabeled(split: list[tuple[str, ...]], parts_of: dict[str, str]) -> list[Place | None]:
    """Class folders with a folder of unlabelled images among them. The only folder beside it
    carries no information; images in no folder are stray, which `_classes` says."""
    others = [parts for parts in split if parts[0] not in parts_of]
    while _only_folder(others):
        others = [parts[1:] for parts in others]
    labelled = (("train", parts[0] if len(parts) > 1 else None) for parts in others)
    return [("unlabeled", None) if parts[0] in parts_of else next(labelled) for parts in split]


def _passed_over(split: list[tuple[str, ...]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Folders above all images that are not parts, and the paths below them."""
    passed = []
    while split and all(len(parts) > 1 for parts in split):
        tops = {parts[0] for parts in split}
        if len(tops) > 1 or split_of(top := min(tops)):
            break
        passed.append(top)
        split = [parts[1:] for parts in split]
    return passed, split


def _in_parts(
    split: list[tuple[str, ...]],
    paths: list[str],
    parts_of: dict[str, str],
    root: Path,
    remarks: Remarks,
) -> list[Place | None]:
    """Part and class folder of every image below train/, test/, val/ and unlabeled/."""
    tops: dict[str, str] = {}
    for top, part in parts_of.items():
        if part in tops:
            raise InputError(
                f"{root} has two folders for the part {part}: {tops[part]}/ and {top}/; put "
                "their images into one, or move one elsewhere"
            )
        tops[part] = top
    for path, parts in zip(paths, split, strict=True):
        if len(parts) == 1 or parts[0] not in parts_of:
            given = ", ".join(sorted(parts_of))
            raise InputError(
                f"{root} has the parts {given}, and {path} is in none; allowed beside train/: "
                f"test/, val/, unlabeled/. If {min(parts_of)}/ is a class, not a part, put all "
                f"class folders into a folder train/: train/{min(parts_of)}/, ..."
            )
    names = {"train": "train", "unlabeled": "unlabeled"}
    names["test" if "test" in tops else "val"] = "test"
    levels = _levels(split, parts_of, names)
    places: list[Place | None] = []
    unused = [
        path for path, parts in zip(paths, split, strict=True) if parts_of[parts[0]] not in names
    ]
    if unused:
        text = f"images in {tops['val']}/ are not used, because there is {tops['test']}/"
        remarks.add("all parts", text, unused[0], len(unused))
    for parts in split:
        part = parts_of[parts[0]]
        rest = parts[1 + levels[part] :]
        label = rest[0] if len(rest) > 1 else None
        places.append((names[part], label) if part in names else None)
    classes = {place[1] for place in places if place and place[0] == "train"} - {None}
    if len(classes) > 1 and len(splits_of(sorted(classes))) == len(classes):
        raise InputError(
            f"{root}/{tops['train']} holds the folders {', '.join(sorted(classes))}, which are "
            "named like parts, not classes: if they are parts, set data.root to that folder; if "
            "not, rename them"
        )
    return places


def _levels(
    split: list[tuple[str, ...]], parts_of: dict[str, str], names: dict[str, str]
) -> dict[str, int]:
    """How many folders inside each part carry no information and are skipped.

    That is one named as the part again (seg_train/seg_train/), or the only one of train/ and test/
    alike (train/images/ and test/images/).
    """
    below: dict[str, list[tuple[str, ...]]] = {part: [] for part in parts_of.values()}
    for parts in split:
        below[parts_of[parts[0]]].append(parts[1:])
    tops = {part: top for top, part in parts_of.items()}
    labelled = [part for part in below if names.get(part) in ("train", "test")]
    levels = dict.fromkeys(below, 0)
    while True:
        only = {part: _only_folder(paths) for part, paths in below.items()}
        again = [p for p, name in only.items() if name and (name == tops[p] or split_of(name) == p)]
        alike = len({only[part] for part in labelled}) == 1 and only[labelled[0]] is not None
        passed = {*again, *(labelled if alike else [])}
        if not passed:
            return levels
        for part in passed:
            below[part] = [parts[1:] for parts in below[part]]
            levels[part] += 1


def _only_folder(split: list[tuple[str, ...]]) -> str | None:
    """The folder that holds all of the paths, if there is one."""
    folders = {parts[0] if len(parts) > 1 else None for parts in split}
    return folders.pop() if len(folders) == 1 else None


def _check_not_below(split: list[tuple[str, ...]], root: Path) -> None:
    """Raises InputError for parts that lie further down."""
    for parts in split:
        for depth in range(1, len(parts) - 1):
            if split_of(parts[depth]):
                above, name = "/".join(parts[:depth]), parts[depth]
                raise InputError(
                    f"{root}: the folder {above}/{name}/ is named like a part, but lies in "
                    f"{above}/. If {above} is a class, put parts above classes, as {name}/{above}/"
                    f"; if the parts lie there, set data.root to {root / above}"
                )


def _named(raw: list[Place | None], root: Path, remarks: Remarks) -> list[Place | None]:
    """The places with class names instead of the names of class folders."""
    folders: dict[str, set[str]] = {}
    for place in raw:
        if place is not None and place[1] is not None and place[0] != "unlabeled":
            folders.setdefault(class_of(place[1]), set()).add(place[1])
    _remark_on_case(sorted(folders), remarks)
    if "" in folders:
        raise InputError(f"{root} has a class folder called {min(folders[''])!r}; give it a name")
    for name, spelt in folders.items():
        if len(spelt) > 1:
            written = " and ".join(map(repr, sorted(spelt)))
            remarks.add("all parts", f"class folders of one name are one class: {written}", name)
    names = {folder: name for name, spelt in folders.items() for folder in spelt}
    return [
        place if place is None or place[1] is None else (place[0], names.get(place[1], place[1]))
        for place in raw
    ]


def _remark_on_case(names: list[str], remarks: Remarks) -> None:
    """Remarks on classes whose names differ in case only, which Windows takes for one."""
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault(name.casefold(), []).append(name)
    for spelt in same.values():
        if len(spelt) > 1:
            written = " and ".join(spelt)
            remarks.add(
                "all parts", f"classes differ in case only: {written}", spelt[0], len(spelt)
            )


def _classes(places: list[Place | None], paths: list[str], root: Path) -> list[str] | None:
    found: dict[str, set[str | None]] = {"train": set(), "test": set()}
    for place in places:
        if place is not None and place[0] != "unlabeled":
            found[place[0]].add(place[1])
    for part, names in found.items():
        if None in names and len(names) > 1:
            stray = paths[places.index((part, None))]
            raise InputError(
                f"{root}: {stray} lies beside class folders ({min(names - {None})}/, ...); move it "
                "into one, or put all images under unlabeled/"
            )
    train, test = found["train"], found["test"]
    if test and not train:
        raise InputError(f"{root} has test images but no train/; add it")
    if test and (None in train) != (None in test):
        with_classes, without = ("test", "train") if None in train else ("train", "test")
        raise InputError(
            f"{root}: {with_classes}/ has class folders and {without}/ has none; "
            "give them to both or to neither"
        )
    if None in train or not train:
        return None
    if unknown := test - train:
        raise InputError(
            f"{root}: test/ has the class {min(unknown)!r}, which train/ lacks; train/ has: "
            f"{', '.join(sorted(train)[:SHOWN])}"
        )
    return sorted(train)


def remark_on_classes(
    counts: dict[str, dict[str, int]], classes: list[str], remarks: Remarks
) -> None:
    """Remarks on classes of train/ that an existing test/ lacks; counts are per part."""
    test = counts.get("test")
    missing = [] if test is None else [name for name in classes if not test.get(name)]
    if missing:
        text = f"of {len(classes)} classes have no test image: {_listed(missing)}"
        remarks.add("test", text, missing[0], len(missing))


def _remark_on_others(found: Found, remarks: Remarks) -> None:
    if found.empty:
        text = f"folders have no image: {_listed(found.empty)}"
        remarks.add("all parts", text, found.empty[0], len(found.empty))
    others = Counter({kind: n for kind, n in found.others.items() if kind != HIDDEN})
    for counted, text in (
        (others, "files are not used"),
        (found.by_content, "files are images by their content, whatever their name"),
    ):
        if counted:
            first = found.first[counted.most_common(1)[0][0]]
            remarks.add("all parts", f"{text}: {in_words(counted)}", first, sum(counted.values()))


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
