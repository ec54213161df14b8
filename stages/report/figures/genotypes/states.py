"""What the states and operations of a cell are called in a drawing."""

from __future__ import annotations

NAMES = ("k-2", "k-1", "1", "2", "3", "4")  # the two inputs, and the nodes; the output is k


def short(operation: str) -> str:
    """`sep conv 3` for sep_conv_3x3, `skip` for skip_connect."""
    words = operation.removesuffix("_connect").split("_")
    return " ".join(word.split("x")[0] if "x" in word[1:2] else word for word in words)
