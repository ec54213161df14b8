"""Export: a trained network for use elsewhere."""
