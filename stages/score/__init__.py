"""The stage `score`: how good one candidate is after a short training."""
