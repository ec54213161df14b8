"""torch's compiler, left out: nothing here is compiled, and importing it takes 2 s of every job."""

from __future__ import annotations


def leave_out(kind: type) -> None:
    """Calls of `kind`'s methods no longer import the compiler (torch 2.14).

    torch decorates some methods so that their first call imports it, has the method marked as not
    to be compiled, and remembers the marked one as the attribute that is set here.
    """
    for method in vars(kind).values():
        original = getattr(method, "__wrapped__", None)
        if original is not None and not hasattr(original, "__dynamo_disable"):
            original.__dynamo_disable = original
