"""The formats of an exported network; every writer reads its file back and compares."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from nassl.files import InputError
from stages.export.network import TrainedNetwork, outputs

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
BATCH = torch.export.Dim("batch", min=1, max=65536)


def write_onnx(network: TrainedNetwork, path: Path) -> float:
    """Writes `path`; returns the largest difference of an output. Raises InputError if that is
    above the tolerance or the libraries are missing."""
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    except ImportError as error:
        raise InputError(
            f"--format onnx needs {error.name}: pip install onnx onnxscript"
        ) from error

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about its own conversion
        torch.onnx.export(
            network.module, (network.images,), str(path), dynamo=True, verbose=False,
            input_names=["pixels"], output_names=[network.output], external_data=False,
            dynamic_shapes=({0: BATCH},),
        )  # fmt: skip
    model = onnx.load(path)
    onnx.checker.check_model(model)
    onnx.helper.set_model_props(model, network.notes)
    onnx.save(model, path)
    run = _onnx_session(path)
    return _difference(network, lambda pixels: run(None, {"pixels": pixels.numpy()})[0])


def _onnx_session(path: Path) -> Callable:
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(str(path)).run
    return InferenceSession(str(path), providers=["CPUExecutionProvider"]).run


def write_torch(network: TrainedNetwork, path: Path) -> float:
    """The same with torch.export; `torch.export.load(path).module()` gives the network."""
    program = torch.export.export(network.module, (network.images,), dynamic_shapes=({0: BATCH},))
    notes = {f"{name}.txt": text for name, text in network.notes.items()}
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files=notes)
    with path.open("rb") as file:
        module = torch.export.load(file).module()
    return _difference(network, lambda pixels: module(pixels).detach().numpy())


WRITERS = {"onnx": write_onnx, "torch.export": write_torch}


def _difference(network: TrainedNetwork, run: Callable[[torch.Tensor], np.ndarray]) -> float:
    """Largest absolute difference, over batches of another size than was exported with too."""
    expected = outputs(network).numpy()
    largest = float(np.abs(expected).max())
    worst = 0.0
    for count in sorted({1, len(expected)}):
        found = run(network.images[:count])
        if found.shape != expected[:count].shape:
            raise InputError(
                f"the exported network gives {found.shape} where the original gives "
                f"{expected[:count].shape}; nothing was written"
            )
        worst = max(worst, float(np.abs(found - expected[:count]).max()))
    if not worst <= TOLERANCE * max(largest, 1.0):
        raise InputError(
            f"the exported network's outputs differ from the original's by {worst:.3g}, more than "
            f"{TOLERANCE:g} of the largest output {largest:.3g}; nothing was written"
        )
    return worst
