"""A subset of the classes of a folder of images: ImageNet-100, for example."""

from __future__ import annotations

import numpy as np

from nassl.files import InputError
from nassl.settings.datasets.folders import ClassFolders
from stages.layouts.folders import Layout

STREAM = 1_000_009  # keeps the drawing of classes apart from other random numbers


def keep_classes(layout: Layout, settings: ClassFolders) -> list[int]:
    """Leaves only the classes that `settings` asks for in `layout`, all if it asks for none, and
    gives the numbers of the files that have to be read.

    Raises InputError for classes that are not there, more classes than there are, and images
    without classes.
    """
    if not settings.classes and not settings.class_count:
        return list(range(len(layout.places)))
    there = layout.classes or []
    if settings.classes:
        kept = set(settings.classes)
        if missing := sorted(kept - set(there)):
            raise InputError(
                f"data.classes has {missing[0]!r} ({len(missing)} of {len(kept)} are not there); "
                f"{settings.root} has {len(there)} classes: {', '.join(there[:10])}"
                + (", ..." if len(there) > 10 else "")
            )
    elif settings.class_count > len(there):
        raise InputError(
            f"data.class_count is {settings.class_count}; {settings.root} has {len(there)} classes"
        )
    else:
        random = np.random.default_rng([settings.seed, STREAM])
        kept = {there[place] for place in random.permutation(len(there))[: settings.class_count]}
    layout.classes = [name for name in there if name in kept]
    layout.places = [
        place if place is not None and (place[1] is None or place[1] in kept) else None
        for place in layout.places
    ]
    return [number for number, place in enumerate(layout.places) if place is not None]
