"""One run of the reduced plan for all scenarios that look at what it left."""

from __future__ import annotations

import pytest

from tests.scenarios.project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A test that changes it has to change it back."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.snakemake()
    return project
