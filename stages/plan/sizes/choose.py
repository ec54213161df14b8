"""Which sizes are taken for a time: a function of the images, of what each choice takes, and of the
time that there is. The rules and their reasons are in workflow/config/sizes/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

FITS, FEWER_EPOCHS, FEWER_IMAGES = "fits", "fewer epochs", "fewer images"  # why a choice was made
STEP = 0.05  # of `epochs`
SOME = 100  # images: the step of a smaller number


@dataclass(frozen=True)
class Rules:
    """Section `sizes`."""

    sides: list[int]
    imagenet_from: int
    images: int
    least_epochs: float
    most_epochs: float
    least_images: int
    batches: int
    least_batch: int


@dataclass(frozen=True)
class Sizes:
    """`side` of the images in pixels; `epochs` times those of the scale; `images` that networks are
    trained on, 0 for all."""

    side: int
    stem: str
    batch: int
    epochs: float = 1.0
    images: int = 0


@dataclass(frozen=True)
class Choice:
    """Sizes that take so many `seconds`; `larger`: the next larger side, where the epochs do not
    fit, and the seconds that it would take with them."""

    sizes: Sizes
    seconds: float
    because: str
    larger: tuple[int, float] | None = None


class TooShort(Exception):
    """The time is too short even for `sizes`, which take `seconds`."""

    def __init__(self, sizes: Sizes, seconds: float) -> None:
        super().__init__(sizes, seconds)
        self.sizes, self.seconds = sizes, seconds


def sides(rules: Rules, seen: int) -> list[int]:
    """Those that do not enlarge the images, of which nine of ten have `seen` pixels or more on
    their shorter side; the smallest one anyway."""
    return [side for side in rules.sides if side <= seen] or rules.sides[:1]


def stem(rules: Rules, side: int) -> str:
    return "imagenet" if side >= rules.imagenet_from else "cifar"


def fitting_batch(rules: Rules, batch: int, images: int) -> int:
    """The batch, halved until an epoch of so many images has enough of them; below the least batch
    only if there are fewer images than one."""
    least = min(rules.least_batch, batch)
    while batch > 2 and (batch > images or (batch > least and batch * rules.batches > images)):
        batch //= 2
    return batch


def wanted_epochs(rules: Rules, images: int) -> float:
    """Times the scale's: for few images as many steps as it has, within what is sensible."""
    return _floor(min(max(1.0, rules.images / images), rules.most_epochs))


def choose(
    rules: Rules,
    rungs: Iterable[Sizes],
    images: int,
    fewest: int,
    budget: float,
    seconds: Callable[[Sizes], float],
) -> Choice:
    """One of the `rungs`, which come with the largest side first, with as many epochs and images as
    `budget` (seconds) has room for. `fewest`: the images, of all, that must be left. Raises
    TooShort."""
    wanted, larger = wanted_epochs(rules, images), None
    tried: list[Sizes] = []

    def fits(sizes: Sizes) -> bool:
        return seconds(sizes) <= budget

    for rung in rungs:
        tried.append(rung)
        if fits(replace(rung, epochs=wanted)):
            more = _between(wanted, rules.most_epochs, STEP)
            found = _last(fits, [replace(rung, epochs=epochs) for epochs in more])
            return Choice(found, seconds(found), FITS, larger)
        larger = rung.side, seconds(replace(rung, epochs=wanted))
    fast = min(
        (replace(rung, epochs=rules.least_epochs) for rung in tried),
        key=lambda rung: (seconds(rung), -rung.side),
    )
    if fits(fast):
        fewer = _between(rules.least_epochs, wanted, STEP)
        found = _last(fits, [replace(fast, epochs=epochs) for epochs in fewer])
        return Choice(found, seconds(found), FEWER_EPOCHS)
    if fewest < images:
        few = [replace(fast, images=count) for count in range(fewest, images, SOME)]
        fast = few[0]
        if fits(fast):
            found = _last(fits, few)
            return Choice(found, seconds(found), FEWER_IMAGES)
    raise TooShort(fast, seconds(fast))


def _between(low: float, high: float, step: float) -> list[float]:
    """From `low` to `high`, both included."""
    count = max(0, int((high - low) / step + 1e-9))
    return [round(low + place * step, 6) for place in range(count + 1)]


def _floor(epochs: float) -> float:
    return round(int(epochs / STEP + 1e-9) * STEP, 6)


def _last(fits: Callable[[Sizes], bool], growing: Sequence[Sizes]) -> Sizes:
    """The last that fits, of which the first does and each takes longer than the one before."""
    low, high = 0, len(growing) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(growing[middle]):
            low = middle
        else:
            high = middle - 1
    return growing[low]
