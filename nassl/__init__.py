"""Neural architectures and visual representations found without labels."""

__version__ = "0.1.0"
