"""Stand-ins for what only a GPU has: a recorder of steps, and a counter of what a step starts."""

from __future__ import annotations

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# They start nothing on a device: views that are not declared as such, and memory.
FREE = {"aten::_unsafe_view", "aten::empty", "aten::empty_like", "aten::new_empty",
        "aten::empty_strided", "aten::lift_fresh"}  # fmt: skip
# They wait for the device, because the host needs to know something.
WAITING = {"aten::nonzero", "aten::_local_scalar_dense", "aten::item", "aten::is_nonzero",
           "aten::equal", "aten::masked_select", "aten::unique_dim", "aten::_unique2"}  # fmt: skip


class Counted(TorchDispatchMode):
    """Counts the operations inside; refuses those that wait for a device, and tensors that are made
    from values of the host."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.name().split(".")[0]
        if name in WAITING or name == "aten::lift_fresh":
            self.waiting[name] += 1
        if name in ("aten::index", "aten::index_put", "aten::index_put_"):
            # A mask of truth values is looked through for its places.
            indices = [i for i in tree_leaves(args[1]) if isinstance(i, torch.Tensor)]
            self.waiting[f"{name} by a mask"] += any(i.dtype == torch.bool for i in indices)
        if not function.is_view and name not in FREE:
            self.operations[name] += 1
        return function(*args, **(kwargs or {}))


class Replayed(TorchDispatchMode):
    """Writes down every operation with the tensors that it was given and gave."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, made))
        return made

    def replay(self) -> None:
        """As a graph does: the same operations on the same memory; what the host knew when they
        were recorded (a learning rate as a number, a value read back) is what it was."""
        with torch.no_grad():
            for function, args, kwargs, made in self.calls:
                if function.is_view:
                    continue
                again = function(*args, **kwargs)
                given = {id(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
                for old, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor) and id(old) not in given:
                        old.detach().copy_(new)


class FakeRecorder:
    """Records on a CPU. Recording computes, where a GPU only listens: the first replay is that."""

    def __init__(self) -> None:
        self.recorded = self.replays = 0

    def plain(self, function):
        return function()

    def record(self, function):
        self.recorded += 1
        with Replayed() as calls:
            made = function()
        first = True

        def replay() -> None:
            nonlocal first
            self.replays += 1
            if not first:
                calls.replay()
            first = False

        return replay, made
