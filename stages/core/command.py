"""The command line that every stage shares, its JSON files, and what a run cost."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.core.devices import leased_devices
from stages.core.run import Run, read_run
from stages.core.settings import SettingsError

UNDER_DVC = "DVC_STAGE"  # set by DVC for the commands that it runs
PR_SET_PDEATHSIG = 1  # sys/prctl.h
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InputError(ValueError):
    """Input that cannot be used: names the file, what was found, what is allowed, what to do."""


def stage_command(
    stage: str,
    doc: str,
    inputs: Sequence[str],
    function: Callable[[Run, argparse.Namespace, Path], None],
    argv: Sequence[str] | None = None,
    optional: Sequence[str] = (),
    start: Callable[..., None] | None = None,
    manifest: bool = True,
) -> None:
    """Parses `<run> --<input> PATH ... --out FOLDER` and calls `function(run, inputs, out)`.

    A stage that can use several GPUs gives `start(function, run, inputs, out)`, which calls the
    function in a process for each.

    `inputs` are the names of the paths that dvc.yaml hands over, `optional` those that only some
    runs get (None otherwise). Without arguments the help is printed.

    The inputs are compared with the manifests that their stages wrote before the function is
    called, and a manifest of the outputs is written after it, unless the function seals its own
    folders (`manifest`). A SettingsError, an InputError or a full disk ends the process with its
    text and code 2.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{stage}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", help=f"name of a run: a line under `{stage}` in params.yaml")
    for name in inputs:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    for name in optional:
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if missing")
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        parser.print_help()
        return
    arguments = parser.parse_args(argv)
    from stages.core.manifest import MANIFEST, verify, write_manifest  # which imports this module

    # The job's shell ignores SIGTERM (Snakefile), and DVC with it: it is for this process.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_dvc()
    out, made = arguments.out, False
    try:
        run = read_run(stage, arguments.run)
        # Before numpy or torch are imported: their thread pools read these once.
        os.environ["OMP_NUM_THREADS"] = str(run.resources.threads)
        for name in (*inputs, *optional):
            if (path := getattr(arguments, name)) is not None:
                verify(path)
        made = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        if manifest:  # what is being written is not complete until it has a new one
            (out / MANIFEST).unlink(missing_ok=True)
            for leftover in out.rglob("*.part"):  # of a start that was killed
                leftover.unlink()
        with leased_devices(run.resources.gpus):
            if start:
                start(function, run, arguments, out)
            else:
                function(run, arguments, out)
        if manifest:
            write_manifest(out, f"{stage}@{run.name}")
    except (SettingsError, InputError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_ROOM:
            raise
        if made:
            with contextlib.suppress(OSError):  # not empty: a training had begun
                out.rmdir()
        text = no_room(error) if isinstance(error, OSError) else error
        print(f"{stage} {arguments.run}: {text}", file=sys.stderr)
        raise SystemExit(2) from error


def _end_with_dvc() -> None:
    """Linux: if the DVC that started this stage is killed, SIGTERM: a training saves and ends, so
    that the next start goes on from there instead of waiting for a result that DVC never sees."""
    if UNDER_DVC in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def refusals(command: str) -> Iterator[None]:
    """What a user can put right ends the process with its text and code 2."""
    try:
        yield
    except (SettingsError, InputError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def no_room(error: OSError) -> str:
    """What a full disk means for a run."""
    where = f" at {error.filename}" if error.filename else ""
    return (
        f"no room to write{where} ({error.strerror}); checkpoints and finished outputs are intact: "
        "make room and start the same command again"
    )


def write_json(path: Path, content: Any) -> None:
    """Sorted and indented, so that the same content gives the same bytes. The file is written
    beside its place and renamed: it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")
    os.replace(beside, path)


def read_json(path: Path) -> Any:
    """Raises InputError if the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path} is missing; run the stage that writes it") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; a JSON file is expected") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, nested without end
        raise InputError(
            f"{path} is not JSON: {error}; if a stage wrote it, run that stage again with `dvc "
            "repro --force`; if it is your own, mend it or give another"
        ) from error


class Cost:
    """Wall time and devices of a run, for cost.json: kept apart from metrics.json, because they
    differ from machine to machine while metrics must not."""

    def __init__(
        self, spent_seconds: float = 0.0, devices: int = 1, moves: Sequence[str] = ()
    ) -> None:
        """`moves`: what changed where a run went on from another machine's checkpoint."""
        self._start = time.monotonic() - spent_seconds
        self._devices = devices
        self.moves = list(moves)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def write(self, folder: Path, device: str = "cpu") -> None:
        """`gpu_days` counts days of devices, also where the device is a CPU (named beside it)."""
        from stages.core.manifest import COST, sealed

        seconds = self.seconds
        content = {
            "seconds": seconds,
            "gpu_days": seconds * self._devices / 86400,
            "device": device,
            "devices": self._devices,
        }
        if self.moves:  # then bits may differ from those of an undisturbed run
            content["moves"] = self.moves
        write_json(folder / COST, sealed(content))
