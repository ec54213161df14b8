"""One run on several devices of a machine: a process per device, all doing the same stage.

The first process writes the outputs and checkpoints; what the others write goes into a folder that
is thrown away. The number of devices is a matter of resources, not of the experiment: batches keep
their size, each process gets an equal part.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import timedelta
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

from nassl.files import InputError
from nassl.settings import SettingsError
from nassl.training.interruption import EXIT_INTERRUPTED, SIGNALS
from stages.runs.run import Run

StageFunction = Callable[[Run, argparse.Namespace, Path], None]
PATIENCE = timedelta(hours=1)  # for the slowest process at any one exchange
GRACE = 30  # seconds that the others have to end when one has failed


def start_on_devices(
    function: StageFunction, run: Run, inputs: argparse.Namespace, out: Path
) -> None:
    """Calls `function` in `resources.<stage>.gpus` processes (one: in this one).

    Without CUDA they compute on the CPU and talk through gloo. `function` must be importable in
    another process. SIGTERM and SIGINT are forwarded, and end this process with code 75 like the
    others. Raises InputError if one of them did, ProcessRaisedException with the traceback of any
    other error.
    """
    if run.resources.gpus < 2:
        function(run, inputs, out)
        return
    from torch.multiprocessing import (
        ProcessExitedException,
        ProcessRaisedException,
        start_processes,
    )

    count = run.resources.gpus
    # Otherwise gloo looks up this machine's name, which may be unknown or lead over the network.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryDirectory() as name:
        meeting = Path(name)
        module = function.__module__
        if module == "__main__":  # which means another module in another process
            module = sys.modules["__main__"].__spec__.name
        address = module, function.__name__
        arguments = (address, run, inputs, out, count, meeting, Path.cwd())
        started = start_processes(_process, arguments, count, join=False, start_method="spawn")
        with _signals_handed_on(started.processes):
            try:
                while not started.join(grace_period=GRACE):
                    pass
            except (ProcessExitedException, ProcessRaisedException) as error:
                # One has failed; the others then fail only because they lost the connection to it.
                for file in sorted(meeting.glob("*.error")):
                    raise InputError(file.read_text()) from error
                if EXIT_INTERRUPTED in (process.exitcode for process in started.processes):
                    raise SystemExit(EXIT_INTERRUPTED) from error
                raise


@contextmanager
def _signals_handed_on(processes: Sequence[BaseProcess]) -> Iterator[None]:
    def hand_on(*_: object) -> None:
        for process in processes:
            if process.is_alive():
                process.terminate()

    numbers = [n for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    former = [signal.signal(number, hand_on) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def _process(
    number: int,
    address: tuple[str, str],
    run: Run,
    inputs: argparse.Namespace,
    out: Path,
    count: int,
    meeting: Path,
    place: Path,
) -> None:
    import torch
    import torch.distributed as dist

    function: StageFunction = getattr(import_module(address[0]), address[1])
    os.chdir(place)  # multiprocessing went to where the first process was started
    dist.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"file://{meeting}/store",
        rank=number,
        world_size=count,
        timeout=PATIENCE,
    )
    try:
        if number == 0:
            function(run, inputs, out)
        else:
            with (
                tempfile.TemporaryDirectory() as scratch,
                Path(os.devnull).open("w") as nowhere,
                redirect_stderr(nowhere),
            ):
                function(run, inputs, Path(scratch))
    except (SettingsError, InputError) as error:
        (meeting / f"{number}.error").write_text(str(error))
        sys.exit(2)
    dist.destroy_process_group()
