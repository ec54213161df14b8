"""The plan: workflow/config composed, expanded into runs, checked, and written to params.yaml."""
