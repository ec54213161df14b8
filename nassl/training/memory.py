"""Memory that ran out, in words that say what to change."""

from __future__ import annotations

import torch

from nassl.files import InputError


def explain_memory(error: Exception, images: int, key: str = "recipe.batch_size") -> Exception:
    """An InputError if memory ran out, otherwise the error itself."""
    text = str(error) or type(error).__name__
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in text:
        return InputError(
            f"out of memory with a batch of {images} images; halve {key} ({text.splitlines()[0]})"
        )
    return error
