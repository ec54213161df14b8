"""Networks: the supernet of a search and the discrete networks that a genotype stands for."""
