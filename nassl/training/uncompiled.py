"""torch's optimizers without its compiler, which their steps import."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from nassl.parallel.compiler import leave_out

leave_out(torch.optim.Optimizer)


class SGD(torch.optim.SGD):
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class Adam(torch.optim.Adam):
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
