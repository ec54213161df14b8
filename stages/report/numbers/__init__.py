"""What is computed from the evidence: rows of the tables, their order, costs, scores, curves."""
