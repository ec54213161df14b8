"""The command line that every stage shares."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nassl.files import NO_ROOM, InputError, no_room
from nassl.manifest import MANIFEST, verify, write_manifest
from nassl.settings import SettingsError
from stages.runs.lease import leased_devices
from stages.runs.run import Run, read_run

UNDER_DVC = "DVC_STAGE"  # set by DVC for the commands that it runs
EXIT_INTERRUPTED = 75  # nassl.training.interruption's, on which prepare does not depend
SAVED = "saved; start the same command again to go on"
INTERRUPTED = "interrupted; start the same command again"
PR_SET_PDEATHSIG = 1  # sys/prctl.h


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

    `inputs` are the names of the paths that dvc.yaml passes, `optional` those that only some runs
    get (None otherwise). Without arguments, the help is printed.

    The inputs are compared with the manifests that their stages wrote before the function is
    called, and a manifest of the outputs is written after it, unless the function seals its own
    folders (`manifest`). A SettingsError, an InputError or a full disk ends the process with its
    text and code 2, Ctrl-C with one line and code 75.
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
    except SystemExit as error:
        if error.code == EXIT_INTERRUPTED:
            print(f"{stage} {arguments.run}: {SAVED}", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print(f"{stage} {arguments.run}: {INTERRUPTED}", file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None
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
    """On Linux, asks for SIGTERM if the DVC that started this stage is killed. A training then
    saves and ends, and the next start continues from there instead of waiting for a result that DVC
    never sees."""
    if UNDER_DVC in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def refusals(command: str) -> Iterator[None]:
    """Errors that a user can fix end the process with their text and code 2, Ctrl-C with code
    75."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"{command}: {INTERRUPTED}", file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except (SettingsError, InputError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        raise SystemExit(2) from error
