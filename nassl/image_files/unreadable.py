"""What is raised for a file that is no usable image."""

from __future__ import annotations


class UnreadableImage(ValueError):
    """Bytes that are no whole image: says what is wrong, not where it lies."""
