"""The table in benchmarks/README.md, written from benchmarks/results.json and never by hand."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import read_results

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

PROMISED = {  # what the ratio must at least (>=) or at most (<=) be
    "supernet_step": ">= 3.0",
    "supernet_memory": "<= 0.7",
    "search_iteration": ">= 4.0",
    "search_iteration_toy": ">= 1.5",
    "second_order_iteration": "<= 3.0",
    "two_views_torchvision": ">= 4.0",
    "two_views_lightly": ">= 3.0",
    "simclr_epoch_resnet18": ">= 1.3",
    "sub_network_step": "<= 1.15",
    "sub_network_memory": "<= 1.15",
    "checkpoint_overhead": "<= 0.02",
    "prepare_small_images": "<= 1.1",
    "prepare_small_images_memory": "<= 1.1",
    "prepare_indexed": "<= 1.1",
    "prepare_indexed_memory": "<= 1.1",
    "prepare_annotations": "<= 1.1",
    "prepare_annotations_memory": "<= 1.1",
}


def kept(claim: str, ratio: float) -> str:
    """The promise of a claim and whether the ratio keeps it; empty without one."""
    if claim not in PROMISED:
        return ""
    sign, bound = PROMISED[claim].split()
    good = ratio >= float(bound) if sign == ">=" else ratio <= float(bound)
    return PROMISED[claim] if good else f"{PROMISED[claim]}, **not kept**"


def table(results: list[dict]) -> str:
    """Markdown; one row per claim, then the machines and versions they were measured with."""
    rows = ["| claim | ours | other | ratio | CPU-time ratio | promised | n | beside | date |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    machines: dict[str, list[str]] = {}
    for entry in results:
        cpu = f"{entry['cpu_ratio']:.2f}" if "cpu_ratio" in entry else ""
        cells = (
            f"`{entry['claim']}`",
            f"{entry['ours']:.3g} {entry['unit']}".strip(),
            f"{entry['other']:.3g} {entry['unit']}".strip(),
            f"{entry['ratio']:.2f}" if entry["ratio"] >= 0.1 else f"{entry['ratio']:.1g}",
            cpu,
            kept(entry["claim"], entry["ratio"]),
            str(entry["n"]),
            _without_cpu(entry["note"]),
            entry["date"],
        )
        rows.append(f"| {' | '.join(cells)} |")
        described = ", ".join(f"{name} {value}" for name, value in entry["versions"].items())
        machines.setdefault(described, []).append(f"`{entry['claim']}`")
    lines = [f"- {', '.join(claims)}: {described}" for described, claims in machines.items()]
    return "\n".join([*rows, "", "Measured with:", "", *lines]) + "\n" if results else ""


def _without_cpu(note: str) -> str:
    """The note without what has a column of its own."""
    return ", ".join(part for part in note.split(", ") if not part.startswith("CPU-time ratio"))


def write_table() -> None:
    """Replaces the text between the two markers."""
    before, rest = README.read_text().split(BEGIN)
    _, after = rest.split(END)
    README.write_text(before + BEGIN + table(read_results()) + END + after)
