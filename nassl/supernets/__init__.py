"""Networks that hold every architecture of a search space."""
