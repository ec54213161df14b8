"""Statistics of the study: what its groups of architectures say."""
