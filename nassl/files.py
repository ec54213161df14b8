"""JSON files, written atomically, and the error for input that cannot be used."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InputError(ValueError):
    """Input that cannot be used: names the file, what was found, what is allowed, what to do."""


def no_room(error: OSError) -> str:
    """The message of a run that found the disk full."""
    where = f" at {error.filename}" if error.filename else ""
    return (
        f"no room to write{where} ({error.strerror}); checkpoints and finished outputs are intact: "
        "make room and start the same command again"
    )


def write_json(path: Path, content: Any) -> None:
    """Writes sorted, indented JSON: the same content gives the same bytes. The file is written
    under another name and renamed, so it is never half-written."""
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
            "repro --force`; if it is your own, fix it or use another"
        ) from error
