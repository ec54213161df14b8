"""What can be searched: operations, genotypes, and their drawing."""
