"""Steps recorded once as CUDA graphs and then replayed: thousands of launches become one.

A step is a function of tensors that does everything on the device: it reads no value back, takes
what changes from step to step (images, learning rate, drop path) from tensors, and draws from the
default generator, which is seeded outside. Then a replay computes what a call computes, with the
same kernels and the same random numbers. The first calls are plain ones: libraries choose their
kernels in them, and optimisers make their state.

Graphs are recorded on a GPU, for a single process. NASSL_GRAPHS=0 in the environment switches them
off. A step that cannot be recorded is computed call by call, with a warning.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import torch
from torch import Tensor

from nassl.files import InputError
from nassl.parallel.processes import world_size

SWITCH = "NASSL_GRAPHS"  # 0: every step is computed call by call
PLAIN_CALLS = 3  # before a step is recorded: torch's advice for what is warmed up in them

log = logging.getLogger(__name__)

Step = Callable[..., Any]


class Recorder(Protocol):
    """What can record a step."""

    def plain(self, function: Callable[[], Any]) -> Any:
        """Calls the function."""

    def record(self, function: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        """A function that replays it, and what it returned, overwritten by every replay. What was
        recorded counts as computed after the first replay."""


class CudaRecorder:
    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)

    def plain(self, function: Callable[[], Any]) -> Any:
        # On a stream other than the default one, which no graph may depend on.
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            made = function()
        current.wait_stream(self._stream)
        return made

    def record(self, function: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            made = function()
        return graph.replay, made


def recorder(device: torch.device) -> Recorder | None:
    """What records steps on this device; None where they are computed call by call.

    Raises InputError for a value of NASSL_GRAPHS other than 0 and 1.
    """
    value = os.environ.get(SWITCH, "1")
    if value not in ("0", "1"):
        raise InputError(
            f"{SWITCH} is {value!r} in the environment; allowed: 1 (steps on a GPU are recorded as "
            "graphs) and 0 (every operation is started by itself)"
        )
    on = value == "1" and device.type == "cuda" and world_size() == 1
    return CudaRecorder(device) if on else None


class RecordedStep:
    """`function(*tensors)`, recorded after PLAIN_CALLS calls with tensors of the same shapes.

    `key` gives what else the recording depends on (the choice of a sub-network): while it changes
    with every call, nothing is recorded. What a call returns is overwritten by the next one.
    """

    def __init__(
        self,
        function: Step,
        recorder: Recorder | None,
        key: Callable[[], Hashable] = lambda: None,
    ) -> None:
        self.function, self.recorder, self.key = function, recorder, key
        self._known: Hashable = None
        self._calls = 0
        self._inputs: list[Tensor | None] = []
        self._replay: Callable[[], None] | None = None
        self._made: Any = None

    @property
    def recorded(self) -> bool:
        return self._replay is not None

    def __call__(self, *tensors: Tensor | None) -> Any:
        if self.recorder is None:
            return self.function(*tensors)
        known = (
            self.key(),
            tuple(
                None if given is None else (given.shape, given.dtype, given.stride())
                for given in tensors
            ),
        )
        if known != self._known:
            self._known, self._calls, self._replay, self._made = known, 0, None, None
        if self._replay is None:
            self._calls += 1
            if self._calls <= PLAIN_CALLS:
                return self.recorder.plain(lambda: self.function(*tensors))
            replay = self._replay = self._record(self.recorder, tensors)
            if replay is None:
                return self.function(*tensors)
        else:
            replay = self._replay
        for own, given in zip(self._inputs, tensors, strict=True):
            if own is not None and given is not None:
                own.copy_(given)
        replay()
        return self._made

    def _record(
        self, recorder: Recorder, tensors: tuple[Tensor | None, ...]
    ) -> Callable[[], None] | None:
        """What replays the step; None if it cannot be recorded."""
        self._inputs = [None if given is None else given.clone() for given in tensors]
        try:
            replay, self._made = recorder.record(lambda: self.function(*self._inputs))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            log.warning("a step is computed call by call, it cannot be recorded: %s", reason)
            self.recorder = None
            return None
        return replay
