"""Neural architectures and visual representations found without labels."""
