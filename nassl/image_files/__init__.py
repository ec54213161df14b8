"""Image files: opened, recognised, decoded."""
