"""What several stages share. Nothing in here imports a stage."""
