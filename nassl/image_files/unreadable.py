"""The error for a file that is not a usable image."""

from __future__ import annotations


class UnreadableImage(ValueError):
    """Bytes that are not a complete image. The text says what is wrong, not in which file."""
