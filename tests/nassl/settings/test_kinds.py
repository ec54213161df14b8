"""What a kind of settings says of itself: complete, and true."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import pytest

from nassl.settings import (
    DATASETS,
    OBJECTIVES,
    SECTIONS,
    SPACES,
    STRATEGIES,
    Kind,
    SettingsError,
    StrategySettings,
)
from nassl.settings.typed import typed

PLACES = {  # sections that come in kinds, and the code that may carry them out
    "data": (DATASETS, "stages.prepare."),
    "space": (SPACES, "nassl.supernets."),
    "strategy": (STRATEGIES, "stages.search."),
    "objective": (OBJECTIVES, "nassl.objectives."),
}
KINDS = [(place, kind) for kinds, place in PLACES.values() for kind in kinds.values()]


@pytest.fixture
def restored():
    """Kinds that a test defines are gone after it."""
    before = dict(STRATEGIES)
    yield
    STRATEGIES.clear()
    STRATEGIES.update(before)


@pytest.mark.parametrize(("place", "kind"), KINDS)
def test_an_implementation_is_where_its_stage_finds_it(place, kind):
    """The plan looks into the file; the run imports it."""
    settings = kind.__new__(kind)
    settings.kind = "this"
    for field in fields(kind):
        setattr(settings, field.name, None)
    settings.check_complete("x")
    if kind.implementation:
        assert kind.implementation.startswith(place)
        assert callable(settings.load())


def test_sections_hold_every_kind_by_the_name_that_it_was_given():
    for name, (kinds, _) in PLACES.items():
        assert SECTIONS[name] is kinds
        assert all(issubclass(kind, Kind) for kind in kinds.values())
    assert STRATEGIES.keys() == {"darts", "evolution", "manual", "proxyless", "random"}


def test_what_a_kind_says_is_no_setting():
    with pytest.raises(SettingsError, match=r"unknown key 'searches'; allowed: kind$"):
        typed(STRATEGIES, {"kind": "random", "searches": ["cell"]}, "strategy.x")


@pytest.mark.usefixtures("restored")
def test_a_kind_that_lacks_what_others_read_is_refused():
    @dataclass
    class Hasty(StrategySettings, kind="hasty"):
        implementation: ClassVar[str] = "stages.search.darts:search_darts"
        searches: ClassVar[tuple[str, ...]] = ("cell",)

    settings = typed(STRATEGIES, {"kind": "hasty"}, "strategy.x")
    with pytest.raises(SettingsError) as refused:
        settings.check_complete("search/s: strategy")
    assert str(refused.value) == (
        f"search/s: strategy.kind is 'hasty', but {__name__}.{Hasty.__qualname__} lacks "
        "validation_fraction; needed: implementation, searches, validation_fraction"
    )
    Hasty.trains = False
    settings.check_complete("search/s: strategy")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    "named", ["", "stages.search.nowhere:search", "nowhere.search:search", "stages.search.darts:x"]
)
def test_a_kind_without_an_implementation_is_refused(named):
    class Empty(StrategySettings, kind="empty"):
        implementation: ClassVar[str] = named
        searches: ClassVar[tuple[str, ...]] = ("cell",)
        trains: ClassVar[bool] = False

    for refuse in (Empty("empty").load, lambda: Empty("empty").check_complete("x")):
        with pytest.raises(SettingsError) as refused:
            refuse()
        assert "kind is 'empty', which has no implementation" in str(refused.value)
        assert f"names {named!r}; available: darts, evolution, manual" in str(refused.value)


@pytest.mark.usefixtures("restored")
def test_two_classes_of_one_kind_are_refused():
    with pytest.raises(TypeError, match=r"two classes are of kind 'darts': Darts and .*Other"):

        class Other(StrategySettings, kind="darts"):
            pass
