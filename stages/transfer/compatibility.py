"""Makes Detectron2 importable: 0.6, the last release, is older than today's Pillow and NumPy.

The release is installed as pure Python (workflow/envs/nassl.post-deploy.sh): its compiled part is
missing, and torchvision has what is used of it here (ROIAlign, NMS). Each fix is applied only where
something is missing, so that a Detectron2 compiled from the current source is left unchanged.
"""

from __future__ import annotations

import sys
import types
import warnings
from importlib.util import find_spec

from nassl.files import InputError

# Names that were removed: Pillow 10 and NumPy 1.24 dropped them, Detectron2 0.6 reads them.
PILLOW = {"LINEAR": "BILINEAR", "CUBIC": "BICUBIC", "ANTIALIAS": "LANCZOS"}
NUMPY = {"bool": bool, "int": int, "float": float, "object": object}


def prepare_detectron2() -> None:
    """Must be called before anything of Detectron2 is imported; calling it again is harmless.

    Raises InputError if Detectron2 is not installed.
    """
    import numpy
    from PIL import Image

    if find_spec("detectron2") is None:
        raise InputError(
            "Detectron2 is not installed in this environment; install it with "
            "`sh workflow/envs/nassl.post-deploy.sh` after requirements.txt (`make` does both)"
        )
    for name, present in PILLOW.items():
        if not hasattr(Image, name):
            setattr(Image, name, getattr(Image.Resampling, present))
    for name, kind in NUMPY.items():
        if name not in vars(numpy):
            setattr(numpy, name, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's, about torch.jit.script
        if "detectron2._C" not in sys.modules and find_spec("detectron2._C") is None:
            # Imported by name in several modules; an attribute is only read where a compiled
            # operation is called, and then says that it is missing.
            sys.modules["detectron2._C"] = types.ModuleType("detectron2._C")
        import detectron2.engine  # noqa: F401 here, where its warnings are not shown
    _use_compiled_roi_align()


def _use_compiled_roi_align() -> None:
    """Lets Detectron2's ROIAlign call torchvision's compiled kernel on a GPU as well.

    Where deterministic algorithms are asked for, torchvision computes it in Python there, through
    a tensor of every cell of every region by every pixel: terabytes for a C4 detector at 800x1067.
    The kernel's backward pass adds up with atomics, in an order that changes from run to run.
    """
    import torch
    from torchvision.ops import roi_align

    def compiled(*arguments: object, **options: object) -> torch.Tensor:
        before = torch.get_deterministic_debug_mode()
        torch.set_deterministic_debug_mode("default")
        try:
            return roi_align(*arguments, **options)
        finally:
            torch.set_deterministic_debug_mode(before)

    # Its package has a function of the module's name.
    sys.modules["detectron2.layers.roi_align"].roi_align = compiled
    # Named in docs/scaling.md, and not said again in every step.
    warnings.filterwarnings("ignore", message=".*roi_align_backward_kernel")
