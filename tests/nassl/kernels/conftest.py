from __future__ import annotations

import pytest

from nassl.kernels import loader

COMPILER = loader.available()  # before a test hides it


@pytest.fixture
def asked_anew():
    """Kernels are loaded again when they are next needed, and after the test."""
    loader.load.cache_clear()
    yield
    loader.load.cache_clear()


@pytest.fixture
def no_compiler(asked_anew, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def compiler():
    if not COMPILER:
        pytest.skip("needs a C++ compiler")
