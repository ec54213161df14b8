"""What a plan will cost, from counted work."""
