"""Networks built from genotypes, the operations that they are made of, and their size."""
