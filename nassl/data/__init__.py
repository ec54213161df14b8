"""Prepared images and labels, batches of them, and random views made on the device."""
