"""The error of a training that diverged."""

from __future__ import annotations

from nassl.files import InputError


class NonFiniteError(InputError):
    """The loss or its gradient became infinite or NaN."""
