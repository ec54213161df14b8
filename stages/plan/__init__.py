"""The plan: workflow/config composed (`compose/`), expanded into runs, checked (`checks/`), and
written to params.yaml, or its cost estimated (`estimate/`)."""
