"""The device of a training."""

from __future__ import annotations

import torch


def device_name(device: torch.device) -> str:
    """What cost.json states: `cpu` or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
