"""What a run that trains needs besides: device, processes, checkpoints, curves."""
