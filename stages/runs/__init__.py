"""One run of one stage: its line of params.yaml, its command, the GPUs that it holds."""
