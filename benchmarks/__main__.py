"""`make bench`: every script in a process of its own, one after the other.

`python -m benchmarks` runs all, `python -m benchmarks supernet views` some. Every script prints one
line per claim and writes it into benchmarks/results.json.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "__main__", "measure")
)


def main(names: list[str]) -> int:
    """The number of scripts that failed."""
    if unknown := [name for name in names if name not in SCRIPTS]:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(SCRIPTS)}", file=sys.stderr)
        return 2
    commands = [[sys.executable, "-m", f"benchmarks.{name}"] for name in names or SCRIPTS]
    return sum(subprocess.run(command, check=False).returncode != 0 for command in commands)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
