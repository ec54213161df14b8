"""workflow/config with the user's overrides, as one mapping of the right form."""
