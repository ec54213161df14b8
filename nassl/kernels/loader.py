"""Compiles the kernels when they are first needed, into the user's cache, and loads them.

Without a compiler, with NASSL_KERNELS=0, and for tensors that `computes` refuses, torch's own
operations compute.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nassl.files import InputError

SWITCH = "NASSL_KERNELS"  # 0: torch computes everything
HEADER = Path(__file__).with_name("vectors.h")  # for every source
FLAGS = ("-O3", "-march=native", "-std=c++17", "-fopenmp", "-shared", "-fPIC")
TYPES = {torch.float32: "float", torch.float64: "double"}  # the end of a function's name

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Kernel:
    """The functions of the C++ `source`, which has each for both types of numbers.

    `what` runs slower without them, for the warning. `signatures` are the arguments, ctypes' types,
    of every function, the last one the number of threads; `result` is what all of them return.
    """

    what: str
    source: Path
    signatures: Mapping[str, Sequence[type]]
    headers: Sequence[Path] = ()
    result: type | None = None

    def library(self) -> ctypes.CDLL | None:
        """The compiled source; None if kernels are switched off, and, with a warning, if it cannot
        be compiled. Compiled once."""
        return load(self)

    def computes(self, x: Tensor, *parameters: Tensor | None) -> bool:
        """Whether it is there, and can take these tensors."""
        return computes(x, *parameters) and self.library() is not None

    def call(self, name: str, dtype: torch.dtype, *arguments: Any) -> Any:
        """The result of a function. Tensors are passed as pointers; torch's number of threads is
        added at the end."""
        return getattr(self.library(), f"{name}_{TYPES[dtype]}")(
            *(given.data_ptr() if isinstance(given, Tensor) else given for given in arguments),
            torch.get_num_threads(),
        )


@functools.cache
def load(kernel: Kernel) -> ctypes.CDLL | None:
    """`kernel.library()`."""
    if not switched_on():
        return None
    compiler = _compiler()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nassl"
    flags = (*FLAGS, f"-I{HEADER.parent}")
    try:
        texts = [path.read_text() for path in (kernel.source, HEADER, *kernel.headers)]
        known = "\0".join([*texts, compiler, *FLAGS, _processor()])
        name = f"{kernel.source.stem}-{hashlib.sha256(known.encode()).hexdigest()[:20]}.so"
        built = folder / name
        if not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as beside:
                made = Path(beside) / name
                subprocess.run(
                    [compiler, *flags, str(kernel.source), "-o", str(made)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                made.replace(built)
        library = ctypes.CDLL(str(built))
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        log.warning(
            "%s are slower than they could be: %s cannot compile them; set CXX to a "
            "C++17 compiler with OpenMP: %s",
            kernel.what,
            compiler,
            reason,
        )
        return None
    for name, arguments in kernel.signatures.items():
        for ending in TYPES.values():
            function = getattr(library, f"{name}_{ending}")
            function.argtypes, function.restype = arguments, kernel.result
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
        and torch._C._len_torch_dispatch_stack() == 0  # who counts operations has to see them
    )
