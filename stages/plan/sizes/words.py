"""What a person is told of sizes: what was chosen and why, what was kept, what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stages.plan.look import Seen
from stages.plan.sizes.choose import FEWER_EPOCHS, FITS, Choice, Rules, TooShort
from stages.plan.sizes.times import enough, in_words

FAR = 2  # times the pixels that are used: from there on it is warned
USUAL = 224  # what networks of photographs take: fewer than there are, without a warning


def far_larger(name: str, seen: int, used: int, has_budget: bool) -> list[str]:
    """A warning if nine of ten images of an entry of section `data` have `seen` pixels or more on
    their shorter side, and much fewer are used."""
    if not used or used >= USUAL or seen < FAR * used:
        return []
    instead = (
        "a longer budget keeps more"
        if has_budget
        else "budget=2h chooses sizes for the time that you have"
    )
    return [
        f"warning: data.{name}: {_nine(seen)}, and {used} x {used} are used; {instead}, "
        f"data.{name}.image_size={FAR * used} sets them"
    ]


def large_stem(changed: Mapping[str, Any], side: int) -> list[str]:
    """That large images get another stem than the scale's."""
    if not any(key.endswith(".stem") for key in changed):
        return []
    return [f"stem imagenet, as {side} pixels are many: stem cifar keeps maps of the images' size"]


def batches(changed: Mapping[str, Any], images: int) -> list[str]:
    """Which batches were made smaller for few images; `images` are of the smallest part."""
    smaller = {key: value for key, value in changed.items() if key.endswith(".batch_size")}
    if not smaller:
        return []
    listed = ", ".join(f"{key}={value}" for key, value in smaller.items())
    return [
        f"smaller batches, as there are few images ({images} in the smallest part), and learning "
        f"rates in proportion: {listed}"
    ]


def chosen(
    choice: Choice,
    rules: Rules,
    seen: Seen | None,
    epochs: Mapping[str, int],
    images: int,
    kept: Mapping[str, Any],
) -> list[str]:
    """A line per decision. `epochs` of the recipes that are not kept, `images` that there are,
    `kept` what the user has set."""
    sizes, lines = choice.sizes, []
    if not any(key.endswith(".image_size") for key in kept):
        lines.append(f"image_size={sizes.side}, stem {sizes.stem}: {_why_side(choice, seen)}")
    if not any(key.startswith("recipe.") and key.endswith(".batch_size") for key in kept):
        lines.append(f"batches of {sizes.batch}")
    if epochs:
        listed = ", ".join(f"{name} {count}" for name, count in epochs.items())
        lines.append(f"epochs: {listed}: {_why_epochs(choice, rules, images)}")
    if sizes.images:
        lines.append(
            f"{sizes.images:,} of {images:,} training images: more take longer than the budget"
        )
    else:
        lines.append(f"all {images:,} training images")
    lines += [f"kept: {key}={value}" for key, value in kept.items()]
    return lines


def estimated(budget: str, hours: Mapping[str, float]) -> str:
    """`hours` on each machine, this one first."""
    times = [f"{in_words(3600 * each)} on {name}" for name, each in hours.items()]
    return f"budget={budget}: about {'; '.join(times)} (right within a factor of two)"


def left_out(taken: int, sides: Mapping[str, Sequence[int]]) -> list[str]:
    """Sides beyond the `taken` one that were not considered, by the reason."""
    beyond = {why: sorted(side for side in found if side > taken) for why, found in sides.items()}
    return [
        f"not considered: {', '.join(map(str, found))} pixels: {why}"
        for why, found in beyond.items()
        if found
    ]


def detectors(count: int) -> list[str]:
    """That so many detectors of own boxes are counted, and not shortened."""
    if not count:
        return []
    return [
        f"{count} detector{'' if count == 1 else 's'} counted, with epochs as they are: "
        "detection.own-boxes.epochs and least_iterations change them"
    ]


def too_short(
    budget: str, short: TooShort, epochs: Mapping[str, int], machine: str, boxes: bool = False
) -> str:
    """The message, with the shortest budget that is enough; `boxes`: detectors are planned."""
    sizes = short.sizes
    listed = "".join(f", {name} {count} epochs" for name, count in epochs.items())
    images = f", {sizes.images:,} images" if sizes.images else ""
    tables = ("own.networks", "own.boxes") if boxes else ("own.networks",)
    rows = ", ".join(f'"{table}/SSNAS (first order)"' for table in tables)
    return (
        f"budget={budget} is too short: the least that is worth trying ({sizes.side} pixels"
        f"{listed}{images}) takes about {in_words(short.seconds)} on {machine}; write budget="
        f"{enough(short.seconds)}, or plan less: seeds.own=1, 'only=[{rows}]'"
    )


def _nine(seen: int) -> str:
    return f"nine of ten images have {seen} pixels or more on their shorter side"


def _why_side(choice: Choice, seen: Seen | None) -> str:
    have = _nine(seen.side) if seen and seen.side else "no header of an image could be read"
    if choice.because != FITS:
        reason = "the size that costs least"
    elif choice.larger:
        side, seconds = choice.larger
        reason = f"{side} pixels would take {in_words(seconds)}"
    else:
        reason = "the largest size that there is for them"
    return f"{have}; {reason}"


def _why_epochs(choice: Choice, rules: Rules, images: int) -> str:
    times = choice.sizes.epochs
    if times == 1:
        return "as its scale has them"
    said = f"{times:g} times its scale's"
    if choice.because == FEWER_EPOCHS:
        return f"{said}; more do not fit"
    if choice.because != FITS:
        return f"{said}, the fewest that are worth trying"
    if times >= rules.most_epochs:
        return f"{said}, the most that is tried"
    return f"{said}, for which there is time"
