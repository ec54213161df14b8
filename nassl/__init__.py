"""Neural architectures and visual representations found without labels.

`load` opens a folder with a trained network. It is imported when first asked for: `import nassl`
imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nassl.loading import Loaded, load

__version__ = "0.2.0"
__all__ = ["Loaded", "load"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from nassl import loading

        return getattr(loading, name)
    raise AttributeError(f"module 'nassl' has no attribute {name!r}; it has: {', '.join(__all__)}")
