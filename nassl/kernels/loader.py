"""Compiles the kernels when they are first needed, into the user's cache, and loads them.

Without a compiler, with NASSL_KERNELS=0, and for tensors that `computes` refuses, torch's own
operations compute.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from nassl.files import InputError

SWITCH = "NASSL_KERNELS"  # 0: torch computes everything
HEADER = Path(__file__).with_name("vectors.h")  # for every source
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fopenmp", "-shared", "-fPIC")
TYPES = {torch.float32: "float", torch.float64: "double"}  # the end of a function's name

log = logging.getLogger(__name__)


def load(
    what: str,
    source: Path,
    headers: Sequence[Path] = (),
    signatures: Mapping[str, Sequence[type]] | None = None,
) -> ctypes.CDLL | None:
    """The compiled `source`; None if kernels are switched off, and, with a warning that `what` is
    slower, if it cannot be compiled.

    `signatures` are the arguments, ctypes' types, of functions without result that the source has
    for both types of numbers. Callers keep the result: a kernel is compiled once.
    """
    if not switched_on():
        return None
    compiler = _compiler()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nassl"
    flags = (*FLAGS, f"-I{HEADER.parent}")
    try:
        texts = [path.read_text() for path in (source, HEADER, *headers)]
        known = "\0".join([*texts, compiler, *FLAGS, _processor()])
        built = folder / f"{source.stem}-{hashlib.sha256(known.encode()).hexdigest()[:20]}.so"
        if not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as name:
                made = Path(name) / built.name
                subprocess.run(
                    [compiler, *flags, str(source), "-o", str(made)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                made.replace(built)
        library = ctypes.CDLL(str(built))
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        log.warning(
            "%s are slower than they could be: %s cannot compile them; set CXX to a "
            "C++17 compiler with OpenMP: %s",
            what,
            compiler,
            reason,
        )
        return None
    for name, arguments in (signatures or {}).items():
        for ending in TYPES.values():
            function = getattr(library, f"{name}_{ending}")
            function.argtypes, function.restype = arguments, None
    return library


def switched_on() -> bool:
    """False with NASSL_KERNELS=0. Raises InputError for a value other than 0 and 1."""
    value = os.environ.get(SWITCH, "1")
    if value not in ("0", "1"):
        raise InputError(
            f"{SWITCH} is {value!r} in the environment; allowed: 1 (compiled kernels where they "
            "are faster) and 0 (torch computes everything)"
        )
    return value == "1"


def available() -> bool:
    """Whether kernels are switched on and there is a compiler for them."""
    return switched_on() and shutil.which(_compiler()) is not None


def _compiler() -> str:
    return os.environ.get("CXX", "c++")


def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return platform.processor()


def computes(x: Tensor, *parameters: Tensor | None) -> bool:
    """Whether these are numbers in memory of one type that is known here."""
    return (
        x.device.type == "cpu"
        and x.dtype in TYPES
        and type(x) is Tensor
        and all(given is None or given.dtype == x.dtype for given in parameters)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
    )
