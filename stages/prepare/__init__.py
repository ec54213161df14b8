"""Raw data to packed or indexed images, labels and recorded splits."""
