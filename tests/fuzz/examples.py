"""Input for fuzzing: values of any kind, and valid content with some of it changed.

Bounded and repeatable: the examples are derived from the tests themselves.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # explaining a failure traces every line
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
fewer = settings(bounded, max_examples=50)  # where an example takes tenths of a second

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["simclr", "darts", "labels", "select/s", "../..", "$(id)", "${x}", "cell"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def places(tree: Any, path: tuple = ()) -> list[tuple]:
    """Paths of every node below the root."""
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    found = []
    for key, value in items:
        found += [(*path, key), *places(value, (*path, key))]
    return found


@st.composite
def changed(draw: Any, tree: Any) -> Any:
    """`tree` with one to three of its nodes replaced, removed or renamed."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(tree)))
        node = tree
        for key in path:
            node = node[key]
        action = draw(st.sampled_from(["replace", "remove", "rename"]))
        if action == "replace":
            node[last] = draw(VALUES)
        elif action == "rename" and isinstance(node, dict):
            node[draw(st.text(max_size=8))] = node.pop(last)
        else:
            del node[last]
        if not places(tree):
            break
    return tree


@st.composite
def damaged(draw: Any, content: bytes) -> bytes:
    """`content` with some bytes changed, cut off or repeated."""
    array = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(array) - 1, 0)))
        action = draw(st.sampled_from(["change", "cut", "insert", "remove"]))
        if action == "change" and array:
            array[place] = draw(st.integers(0, 255))
        elif action == "cut":
            del array[place:]
        elif action == "insert":
            array[place:place] = draw(st.binary(max_size=20))
        else:
            del array[place : place + draw(st.integers(1, 30))]
    return bytes(array)
