"""`make bench`: every script in a process of its own, one after the other.

`python -m benchmarks` runs all, `python -m benchmarks supernet views` some, `python -m benchmarks
table` none. Every script prints one line per claim and writes it into benchmarks/results.json; at
the end the table in benchmarks/README.md is written from that file.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.table import write_table

SCRIPTS = (
    "checkpoint",
    "graph",
    "prepare",
    "pretrain",
    "probe",
    "search_epoch",
    "sub_network",
    "supernet",
    "views",
)


def main(names: list[str]) -> int:
    """The number of scripts that failed."""
    if names == ["table"]:
        names, scripts = [], ()
    else:
        scripts = tuple(names) or SCRIPTS
    if unknown := [name for name in names if name not in SCRIPTS]:
        print(f"no benchmark {unknown[0]!r}; available: {', '.join(SCRIPTS)}", file=sys.stderr)
        return 2
    commands = [[sys.executable, "-m", f"benchmarks.{name}"] for name in scripts]
    failed = sum(subprocess.run(command, check=False).returncode != 0 for command in commands)
    write_table()
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
