"""Kinds of a section: each is one class with its settings, with what the rest of the code must know
of it, and with the place of its implementation."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from nassl.settings.errors import SettingsError


@dataclass
class Kind:
    """A section (strategy, objective, ...) derives a base class from this, and each of its kinds a
    dataclass from that base, `class Darts(StrategySettings, kind="darts")`, which registers it.

    Fields are settings, read from workflow/config/. Class variables are what others must know.
    """

    kind: str

    available: ClassVar[dict[str, Any]]  # the kinds of this section, by name
    implementation: ClassVar[str] = ""  # "module:name", imported when it is asked for

    def __init_subclass__(cls, kind: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if Kind in cls.__bases__:
            cls.available = {}
        if kind in cls.available:
            there = cls.available[kind].__qualname__
            raise TypeError(f"two classes are of kind {kind!r}: {there} and {cls.__qualname__}")
        if kind:
            cls.available[kind] = cls

    def needed(self) -> tuple[str, ...]:
        """Fields and class variables that the plan or a stage reads of every kind like this one."""
        return ()

    def has_implementation(self) -> bool:
        """Whether the implementation's file defines it; nothing of it is imported."""
        module, _, name = self.implementation.partition(":")
        try:
            spec = importlib.util.find_spec(module) if module else None
        except ModuleNotFoundError:  # of a package that holds it
            spec = None
        if spec is None or spec.origin is None:
            return False
        return name in _defined(spec.origin, Path(spec.origin).stat().st_mtime_ns)

    def check_complete(self, where: str) -> None:
        """Raises SettingsError for a kind without an implementation, or without what others read of
        it. `where` names the settings in errors."""
        if self.implementation or "implementation" in self.needed():
            self._check_implementation(where)
        if missing := [name for name in self.needed() if not hasattr(self, name)]:
            raise SettingsError(
                f"{where}.kind is {self.kind!r}, but {self._class()} lacks {', '.join(missing)}; "
                f"needed: {', '.join(self.needed())}"
            )

    def load(self) -> Any:
        """The implementation. Raises SettingsError if it is not there."""
        self._check_implementation(type(self).__name__)
        return pkgutil.resolve_name(self.implementation)

    def _check_implementation(self, where: str) -> None:
        if not self.has_implementation():
            others = [name for name, kind in self.available.items() if kind.implementation]
            raise SettingsError(
                f"{where}.kind is {self.kind!r}, which has no implementation: {self._class()} "
                f"names {self.implementation!r}; available: "
                f"{', '.join(sorted({*others} - {self.kind}))}"
            )

    @classmethod
    def _class(cls) -> str:
        return f"{cls.__module__}.{cls.__qualname__}"


@cache
def _defined(file: str, changed: int) -> frozenset[str | None]:
    """The functions and classes of a module's file as it was last changed, in nanoseconds."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return frozenset(getattr(node, "name", None) for node in tree.body)


def import_all(package: str, path: Iterable[str]) -> None:
    """Imports every module of a package, so that the kinds in them are registered."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
