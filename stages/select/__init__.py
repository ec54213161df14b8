"""The stage `select`: the best of several searched architectures."""
