"""What the results say, in sentences made from the numbers: the head of the page."""

from __future__ import annotations

from typing import Any

from stages.report.costs import duration
from stages.report.evidence import Evidence
from stages.report.headline import headline
from stages.report.statistics import apart
from stages.report.wording import TITLES

CHANCE = 0.99  # share of the loss at chance: a loss above it is not told apart from chance

Finding = dict[str, str]  # figure (a short number), text


def findings(
    tables: list[dict[str, Any]],
    evidence: Evidence,
    asked: list[dict[str, Any]],
    margins: list[dict[str, Any]],
    evolutions: list[dict[str, Any]],
    stages: list[dict[str, Any]],
) -> list[Finding]:
    """Only findings that have data; `asked` are the questions of the section on prediction."""
    found = [*_rows(tables), *_order(tables), *_own(tables), *_gain(tables)]
    found += [
        {"figure": question["short"], "text": question["answer"]}
        for question in asked
        if question["label_free"]
    ]
    found += [
        *_chance(margins),
        *_collapse(evidence),
        *_margins(margins),
        *_evolution(evolutions),
        *_cost(stages),
    ]
    return found


def _rows(tables: list[dict[str, Any]]) -> list[Finding]:
    if not tables:
        return []
    numbers = headline(tables)
    made, runnable = numbers["rows_reproduced"], numbers["rows_runnable"]
    text = f"{made} of the {runnable} rows that can be run were run"
    if missing := runnable - made:
        text += f"; {missing} {'is' if missing == 1 else 'are'} not in this plan"
    if quoted := numbers["rows_quoted"]:
        text += f". {quoted} rows are quoted by the papers from elsewhere and only shown"
    return [{"figure": f"{made}/{runnable}", "text": text + "."}]


def _order(tables: list[dict[str, Any]]) -> list[Finding]:
    pairs = sum(table["ordering"]["pairs"] for table in tables)
    if not pairs:
        return []
    against = [entry for table in tables for entry in table["ordering"]["against_paper"]]
    several = [entry for entry in against if "row" not in entry and _spread_known(entry)]
    clear = sum(map(apart, several))
    agree = pairs - len(against)
    text = f"Methods come in the papers' order in {agree} of {pairs} comparisons of means"
    if against:
        text += f". In the other {len(against)} this page disagrees with the papers"
    if several:
        text += (
            f"; of the {len(several)} of these with several seeds on both sides, {clear} differ by "
            f"more than one standard deviation"
        )
    return [{"figure": f"{agree}/{pairs}", "text": text + "."}]


def _spread_known(entry: dict[str, Any]) -> bool:
    return all(entry[side]["std"] is not None for side in ("ahead_in_paper", "behind_in_paper"))


def _own(tables: list[dict[str, Any]]) -> list[Finding]:
    """Per paper: how often its own method is ahead where the paper has it ahead."""
    found = []
    for paper in dict.fromkeys(table["paper"] for table in tables):
        wins = []
        for table in (table for table in tables if table["paper"] == paper):
            own = {row["label"] for row in table["rows"] if row["ours"]}
            wins += [
                entry["agrees"]
                for entry in table["comparisons"]
                if "row" not in entry
                and entry["ahead_in_paper"]["row"] in own
                and entry["behind_in_paper"]["row"] not in own
            ]
        if wins:
            text = (
                f"{TITLES.get(paper, paper)} claims that its own method is ahead of another one in "
                f"{len(wins)} comparisons among the rows made here; here it is ahead in "
                f"{sum(wins)} of them."
            )
            found.append({"figure": f"{sum(wins)}/{len(wins)}", "text": text})
    return found


def _gain(tables: list[dict[str, Any]]) -> list[Finding]:
    gain = headline(tables).get("ssl_gain")
    if not gain:
        return []
    above = round(gain["share_above"] * gain["rows"])
    text = (
        f"A linear classifier on pretrained networks reaches on average {gain['mean_ratio']:.2f} "
        f"times the accuracy of one on the same networks with random weights; pretraining without "
        f"labels helps in {above} of {gain['rows']} rows."
    )
    return [{"figure": f"{gain['mean_ratio']:.2f} x", "text": text}]


def _collapse(evidence: Evidence) -> list[Finding]:
    known = [
        metrics["collapsed"]
        for run in evidence.lines["search"]
        if "collapsed" in (metrics := evidence.metrics("search", run) or {})
    ]
    if not known:
        return []
    text = (
        f"{sum(known)} of {len(known)} gradient searches collapsed (more than two skip connections "
        f"in the normal cell)."
    )
    return [{"figure": f"{sum(known)}/{len(known)}", "text": text}]


def _margins(margins: list[dict[str, Any]]) -> list[Finding]:
    count = sum(len(figure["entries"]) for figure in margins)
    if not count:
        return []
    positive = sum(figure["positive"] for figure in margins)
    text = (
        f"For {positive} of {count} scored candidates the mean margin is positive: an image is "
        f"then, on average, nearer to its own other view than to any other image of the batch."
    )
    return [{"figure": f"{positive}/{count}", "text": text}]


def _chance(margins: list[dict[str, Any]]) -> list[Finding]:
    """How many candidates are at chance: a network that has learnt nothing gives equal similarities
    to all images, and so a loss of ln(2 N - 1), where N is the batch."""
    entries = [entry for figure in margins for entry in figure["entries"] if entry["chance"]]
    if not entries:
        return []
    at_chance = [entry for entry in entries if entry["loss"] > CHANCE * entry["chance"]]
    text = (
        f"{len(at_chance)} of {len(entries)} scored candidates have a contrastive loss within "
        f"{100 * (1 - CHANCE):.0f} % of chance (ln(2N - 1), all similarities equal; N is the batch)"
    )
    if at_chance:
        text += ": their short training has not learnt to tell images apart, so it ranks by noise"
    return [{"figure": f"{len(at_chance)}/{len(entries)}", "text": text + "."}]


def _evolution(evolutions: list[dict[str, Any]]) -> list[Finding]:
    tried = sum(figure["mutations"] for figure in evolutions)
    if not tried:
        return []
    accepted = sum(figure["accepted"] for figure in evolutions)
    text = (
        f"{len(evolutions)} evolution{'s' if len(evolutions) > 1 else ''} tried {tried} mutations "
        f"and accepted {accepted} of them ({100 * accepted / tried:.0f} %)."
    )
    return [{"figure": f"{100 * accepted / tried:.0f} %", "text": text}]


def _cost(stages: list[dict[str, Any]]) -> list[Finding]:
    total = sum(stage["seconds"] for stage in stages)
    if not total:
        return []
    runs = sum(stage["measured"] for stage in stages)
    search = sum(stage["seconds"] for stage in stages if stage["stage"] in ("search", "score"))
    devices = ", ".join(sorted({stage["devices"] for stage in stages if stage["devices"]}))
    text = (
        f"All {runs} measured runs together took {duration(total)} on: {devices}; "
        f"{100 * search / total:.0f} % of it for finding architectures (search and score)."
    )
    return [{"figure": duration(total), "text": text}]
