"""Ctrl-C in a stage or a command: one line and code 75, no traceback."""

from __future__ import annotations

import pytest

from nassl.training import interruption
from stages.runs import command


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (SystemExit(75), "select s: saved; start the same command again to go on\n"),
        (KeyboardInterrupt(), "select s: interrupted; start the same command again\n"),
    ],
)
def test_a_stage_says_what_to_do(plan, tmp_path, monkeypatch, capsys, raised, said):
    plan()
    monkeypatch.chdir(tmp_path)

    def stopped(*_):
        raise raised

    with pytest.raises(SystemExit) as end:
        command.stage_command("select", "", (), stopped, ["s", "--out", "out"])
    assert end.value.code == interruption.EXIT_INTERRUPTED == command.EXIT_INTERRUPTED
    assert capsys.readouterr().err == said
    assert not list((tmp_path / "out").iterdir())  # not complete: no manifest


def test_another_exit_is_left_alone(plan, tmp_path, monkeypatch, capsys):
    plan()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        command.stage_command("select", "", (), lambda *_: exit(3), ["s", "--out", "out"])
    assert end.value.code == 3
    assert capsys.readouterr().err == ""


def test_a_command_by_hand_says_what_to_do(capsys):
    with pytest.raises(SystemExit) as end, command.refusals("plan"):
        raise KeyboardInterrupt
    assert end.value.code == 75
    assert capsys.readouterr().err == "plan: interrupted; start the same command again\n"
