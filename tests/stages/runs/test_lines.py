"""What lines say of other runs; that it is what dvc.yaml does is tested with the estimate's
schedule."""

from __future__ import annotations

from stages.runs.lines import REFERENCES, references, results_folder, upstream

SEARCH = {"data": "digits", "space": "cells", "seed": 0}
SCORE = {"select": "a-digits", "search": "a-digits-s0", "data": "digits"}
TRANSFER = {"data": "voc", "weights": "retrain/r", "pretrained_on": "shapes"}


def test_files_of_these_runs_are_read():
    assert upstream("prepare", {"data": "digits"}) == []
    assert upstream("search", SEARCH) == ["prepare/digits"]
    assert upstream("search", SEARCH | {"initial": "random"}) == ["prepare/digits"]
    assert upstream("search", SEARCH | {"initial": "search/b"}) == ["prepare/digits", "search/b"]
    assert upstream("score", SCORE) == ["search/a-digits-s0", "prepare/digits"]
    assert upstream("select", {"candidates": ["x", "y"]}) == ["score/x", "score/y"]
    assert upstream("probe", {"data": "d", "pretrain": "p"}) == ["prepare/d", "pretrain/p"]
    assert upstream("transfer", TRANSFER) == ["prepare/voc", "retrain/r", "prepare/shapes"]


def test_what_must_name_a_run_is_a_reference_even_if_it_names_none():
    (named,) = references("retrain", {"architecture": "resnet50"})
    assert (named.run, named.stages) == ("resnet50", ("select", "search"))
    assert not list(references("search", {"initial": "resnet50"}))


def test_the_group_of_a_score_is_no_input_but_a_folder():
    assert "select/a-digits" not in upstream("score", SCORE)
    assert "select/a-digits" in [named.run for named in references("score", SCORE)]
    assert results_folder("score", "a-digits-s0", SCORE) == "score/a-digits/a-digits-s0"
    assert results_folder("search", "a-digits-s0", SEARCH) == "search/a-digits-s0"


def test_entries_are_what_a_stage_reads_of_the_sections():
    assert REFERENCES["probe"] == {
        "network": "network",
        "linear": "protocol",
        "finetune": "protocol",
    }
    assert REFERENCES["select"] == {}
    assert REFERENCES["prepare"] == {"data": "data"}
