"""The stage `retrain`: full supervised training of an architecture, tested once."""
