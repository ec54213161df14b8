"""Several processes training one network, and its precision."""
