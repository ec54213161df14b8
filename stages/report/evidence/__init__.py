"""What is there: the plan's runs with what they left, what the papers report, the source."""
