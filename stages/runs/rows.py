"""Rows of the papers' tables, as the plan writes and the report reads them."""

from __future__ import annotations

# Besides `row`, what tells the rows of a table apart.
IDENTITY = ("batch_size", "init", "method")
