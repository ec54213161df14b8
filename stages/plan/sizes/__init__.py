"""Sizes that fit your own images, and the time that you have."""
