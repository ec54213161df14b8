"""The reduced plan through the real Snakefile and the real dvc.yaml, in a copy of the project."""

from __future__ import annotations

import shutil

import yaml

from tests.scenarios.project import ROOT


def test_snakemake_leaves_nothing_for_dvc_and_for_itself(project):
    assert project.stale() == set()
    assert "Nothing to be done" in project.snakemake()
    assert "up to date" in project.run("dvc", "repro")
    assert project.python("workflow/watch.py") == "27 of 27 jobs done\n"


def test_tables_have_every_row_and_only_planned_ones_are_reproduced(project):
    table = project.read("results/tables/ssnas.table1.json")
    reproduced = {row["row"] for row in table["rows"] if row["reproduced"]}
    assert reproduced == {"Random sampling", "SSNAS (first order)"}
    assert len(table["rows"]) == 4
    table = project.read("results/tables/faunae.table2.json")
    reproduced = {row["row"]: row for row in table["rows"] if row["reproduced"]}
    assert set(reproduced) == {"FaUNAE (random)"}
    found = reproduced["FaUNAE (random)"]
    assert all(found[key] > 0 for key in ("params_million", "flops", "search_device_days"))
    assert found["search_device_days"] < 0.01 < found["reported_search_gpu_days"]  # measured
    assert [row["note"] for row in table["rows"][:7]] == ["quoted by the paper"] * 7
    shown = project.run("dvc", "metrics", "show")
    assert "ssnas.table1.Random-sampling.test_error_percent" in shown


def test_readme_and_tests_are_not_dependencies(project):
    for name in ("README.md", "tests/stages/plan/test_plan.py"):
        with (project.folder / name).open("a") as file:
            file.write("\n# an edit\n")
    assert project.stale() == set()


def test_deleted_results_come_back_without_training(project):
    weights = project.folder / "results/retrain/ssnas-digits-s0/weights.safetensors"
    before = weights.read_bytes()
    shutil.rmtree(project.folder / "results/retrain")
    shutil.rmtree(project.folder / "results/search")
    output = project.snakemake()
    assert weights.read_bytes() == before
    assert project.stale() == set()
    logs = "".join(p.read_text() for p in (project.folder / "logs/retrain").glob("*.log"))
    assert "Running stage" not in logs, output


def test_one_runs_setting_reruns_that_run_and_what_follows(project):
    plan = project.folder / "params.yaml"
    before = plan.read_text()
    tree = yaml.safe_load(before)
    line = tree["retrain"]["ssnas-digits-s0"]
    plan.write_text(before.replace(
        yaml.safe_dump(line, default_flow_style=True, sort_keys=False, width=10**6).strip(),
        yaml.safe_dump({**line, "seed": 7}, default_flow_style=True, width=10**6).strip(),
    ))  # fmt: skip
    assert plan.read_text() != before
    assert project.stale() == {"retrain@ssnas-digits-s0", "report"}  # the page names the plan
    assert "25 of 27 jobs done, 0 running, 2 left;" in project.python("workflow/watch.py")
    project.snakemake()
    assert project.stale() == set()
    assert project.read("results/retrain/ssnas-digits-s0/metrics.json")["seed"] == 7
    plan.write_text(before)
    project.snakemake()  # from the run cache
    assert project.stale() == set()


def test_the_page_and_the_tables_are_in_snakemakes_report(project):
    page = (project.folder / "results/report.html").read_text()
    assert "Smoke scale on cpu" in page
    assert "numbers are as expected at scale smoke (expected/smoke.yaml)" in page
    assert "<title>Architecture " in page
    assert "entropy of alpha, normal cell" in page
    assert "<title>Genealogy of faunae-from-random-shapes-s0" in page
    project.snakemake("--report", "report.html")
    shown = (project.folder / "report.html").read_text()
    assert "with the drawings of all selected architectures" in shown  # the page's caption
    assert "Table ssnas.table1 as CSV" in shown
    assert project.stale() == set()  # DVC ignores what Snakemake leaves in the folders


def test_two_search_settings_are_compared_as_documented(project):
    """Every command of docs/compare.md, in its order."""
    text = (ROOT / "docs/compare.md").read_text()
    blocks = text.split("```\n")[1::2]
    commands = [line for block in blocks for line in block.splitlines()]
    assert sum("dvc" in command for command in commands) >= 7
    project.snakemake()
    (project.folder / "notes.txt").write_text("something to commit\n")
    shown = {command: project.run("bash", "-c", command) for command in commands}

    def output(start: str) -> str:
        return next(text for command, text in shown.items() if command.startswith(start))

    assert "slower-alpha" in output("dvc exp show")
    shown_as_csv = next(command for command in commands if command.startswith("dvc exp show"))
    header, *rows = project.run("bash", "-c", f"{shown_as_csv} --csv").splitlines()
    assert "strategy.darts-first.alpha_learning_rate" in header
    assert len(header.split(",")) < 30, header
    assert any(row.startswith("slower-alpha") and row.endswith("0.003") for row in rows)
    assert "0.003" in output("dvc params diff")
    metrics = project.run("dvc", "metrics", "diff", "--all", "HEAD", "slower-alpha")
    assert "ssnas.table1.SSNAS-first-order" in metrics
    random = next(line for line in metrics.splitlines() if "table1.Random-sampling" in line)
    assert float(random.split()[-1]) == 0  # did not run again
    drawn = project.run("dvc", "plots", "diff", "HEAD", "slower-alpha", "--json")
    for name in ("search loss", "entropy of alpha, normal cell", "rows, every seed"):
        assert name in drawn
    assert '"rev": "slower-alpha"' in drawn
    assert (project.folder / "dvc_plots/index.html").exists()
    assert project.stale() == set()  # the last command goes back
    assert "alpha_learning_rate: 0.03" in (project.folder / "params.yaml").read_text()
