"""The training loop, optimisers, checkpoints and weights of every training."""
