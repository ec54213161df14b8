"""Two random SimCLR views of a batch: ours against per-image transforms, and against kornia.

Claims: two_views_torchvision (>= 4), two_views_lightly (>= 3), two_views_kornia (for information).
The work: 64 images of 32x32, two views each, normalised floats in one (B, 3, 32, 32) tensor per
view. All parameters are SimCLR's for CIFAR (colour 0.5, grayscale 0.2, blur 0.5 with sigma 0.1 to 2
pixels). One thread on every side: the peers' loops use one per process, and workers or threads
multiply either side alike. The peers begin from Pillow images in memory, as a data set hands them
over; ours from the packed bytes. A peer that is not installed is named and left out.

Example: `python -m benchmarks.views lightly --rounds 20` (10 seconds).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch

from benchmarks.measure import compare, interleaved
from nassl.data.views import RandomViews
from nassl.settings import Views

BATCH, SIDE = 64, 32
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]

Pair = tuple[torch.Tensor, torch.Tensor]


def images(batch: int = BATCH, side: int = SIDE) -> torch.Tensor:
    """uint8 (B, 3, H, W), in memory as prepared images are."""
    random = torch.Generator().manual_seed(0)
    shape = (batch, side, side, 3)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
    return pixels.permute(0, 3, 1, 2)


def simclr_views() -> Views:
    """SimCLR's for CIFAR, as lightly's SimCLRTransform(32, cj_strength=0.5) has them."""
    return Views(
        crop="resized",
        crop_scale=[0.08, 1.0],
        crop_ratio=[3 / 4, 4 / 3],
        flip=0.5,
        jitter=0.8,
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=0.1,
        grayscale=0.2,
        blur=0.5,
        blur_sigma=[0.1, 2.0],
    )


def ours(batch: torch.Tensor) -> Callable[[], Pair]:
    view = RandomViews(simclr_views(), torch.tensor(MEAN), torch.tensor(STD))
    return lambda: (view(batch), view(batch))


def torchvision_transform(side: int) -> Callable:
    """A Pillow image to one view."""
    from torchvision.transforms import v2

    return v2.Compose(
        [
            v2.RandomResizedCrop(side, (0.08, 1.0)),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(13, (0.1, 2.0))], 0.5),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def torchvision(batch: torch.Tensor) -> Callable[[], Pair]:
    transform = torchvision_transform(batch.shape[-1])
    pictures = pillow(batch)
    return lambda: tuple(torch.stack([transform(p) for p in pictures]) for _ in range(2))


def lightly_transform(side: int) -> Callable:
    """A Pillow image to a list of two views. Raises ImportError without lightly."""
    from lightly.transforms import SimCLRTransform

    return SimCLRTransform(side, cj_strength=0.5, normalize={"mean": MEAN, "std": STD})


def lightly(batch: torch.Tensor) -> Callable[[], Pair]:
    transform = lightly_transform(batch.shape[-1])
    pictures = pillow(batch)

    def two() -> Pair:
        first, second = zip(*(transform(picture) for picture in pictures), strict=True)
        return torch.stack(first), torch.stack(second)

    return two


def kornia(batch: torch.Tensor) -> Callable[[], Pair]:
    from kornia import augmentation

    side = batch.shape[-1]
    transform = augmentation.AugmentationSequential(
        augmentation.RandomResizedCrop((side, side), (0.08, 1.0)),
        augmentation.RandomHorizontalFlip(),
        augmentation.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        augmentation.RandomGrayscale(p=0.2),
        augmentation.RandomGaussianBlur((13, 13), (0.1, 2.0), p=0.5),
        augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
    )

    def two() -> Pair:
        scaled = batch.float() / 255
        return transform(scaled), transform(scaled)

    return two


def pillow(batch: torch.Tensor) -> list:
    from PIL import Image

    return [Image.fromarray(image.numpy()) for image in batch.permute(0, 2, 3, 1)]


PEERS = {"torchvision": torchvision, "lightly": lightly, "kornia": kornia}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", nargs="*", help=f"of {', '.join(PEERS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.peers) - set(PEERS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(PEERS)}")
    torch.set_num_threads(1)
    batch = images()
    functions = {"ours": ours(batch)}
    for name in arguments.peers or PEERS:
        try:
            functions[name] = PEERS[name](batch)
        except ImportError as error:
            print(f"two_views_{name}: not measured, {error}", flush=True)
    timings = interleaved(functions, arguments.rounds)
    for name in functions:
        if name != "ours":
            compare(f"two_views_{name}", timings["ours"], timings[name], packages=(name,))


if __name__ == "__main__":
    main()
