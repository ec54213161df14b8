"""Stage `search`: finds a genotype."""
