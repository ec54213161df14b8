# The parallel way through the graph of dvc.yaml; `dvc repro` is the serial way through the same.
#   snakemake --cores all             everything that is stale
#   snakemake --cores all --dry-run   what that would be
# One rule per DVC stage, one job per run. What depends on what, and what is stale, is DVC's to say.
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))
from dvc_graph import Graph, flag
from environment import environment
from interrupted import say_when_interrupted
from restart import hold_the_project, start_again
from scheduling import leave_out_default_rate

if workflow.is_main_process:
    held = hold_the_project()   # by one start at a time, until it ends
    start_again()
    say_when_interrupted()
graph = Graph()
if workflow.is_main_process:
    print(graph.what_runs(graph.take_away_stale_flags()), file=sys.stderr)
page = report("results/report.html", caption="workflow/report/page.rst", category="Page")
tables = report(directory("results/tables"), patterns=["{table}.csv"],
    caption="workflow/report/tables.rst", category="Tables")
shown = {"report": [page, tables]}   # in `snakemake --report`; DVC writes them
resources_of = yaml.safe_load(Path("params.yaml").read_text())["resources"]

localrules: all
report: "workflow/report/workflow.rst"

onstart: leave_out_default_rate(workflow.scheduler)


rule all:
    default_target: True
    input: flag("report")   # the tables: every run of the plan is upstream of them


for stage in graph.families:
    single = stage in graph.upstream
    job = stage if single else stage + "@{run}"
    asked = resources_of[stage]

    rule:
        name: stage
        input: lambda wildcards, job=job: graph.waits_for(job.format(**wildcards))
        output: touch(flag(job)), *shown.get(stage, [])
        message: "{params.name}"
        log: f"logs/{stage}{'' if single else '/{run}'}.log"
        benchmark: f"logs/{stage}{'' if single else '/{run}'}.tsv"
        threads: asked["threads"]
        retries: asked["retries"]
        priority: graph.steps_to_the_end(stage)
        resources:
            mem_mb=asked["memory_mb"],
            runtime=asked["minutes"],
            gpu=asked["gpus"],
        conda: environment(asked["environment"])
        params: name=job
        # SIGTERM is for the stage, which saves a checkpoint: DVC waits until it has.
        shell: "trap '' TERM; python workflow/dvc_job.py {params.name:q} > {log:q} 2>&1"
