"""The training loop, optimisers, checkpoints, curves and weights of every stage that trains."""
