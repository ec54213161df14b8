# make toy    everything at toy scale: install, run the graph; results/report.html shows all of it
# make smoke  a few runs of every stage, the same page, in minutes
# make study  what label-free search is worth: two hours of two cores (docs/study.md)
# make test   install, lint, types, test; WORKERS=1 one test after the other
# make quick  the same without the tests that take long (tests/conftest.py): while you work
# make plan   rewrite params.yaml (PLAN="scale=lab paper=[ssnas]")
# make watch  how far the running graph is, and when it will end: in another terminal
# make plots  curves, rows and scores by DVC, on a page that needs no network
# make compare  experiments side by side, only what differs
# make slurm  send the runs to a Slurm cluster (PLAN="scale=paper paper=[ssnas]")
# make cluster-test  the cluster profiles, with Slurm on this one machine (installs it: root, Debian)
# make chaos  the toy graph, killed again and again, compared with an uninterrupted run
# make bench  speed compared with peers, one line per claim
# make gpu    what needs a GPU: its tests, then its benchmarks, in under ten minutes
PYTHON ?= python3
# For a machine without a GPU, the smaller build: TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PLAN ?= scale=toy
# For another page of plots: make plots PLOTS="diff HEAD slower-alpha"
PLOTS ?= show
STUDY ?= paper=study
# Processes that test; each computes on one thread.
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
CHECK := ruff check . && ruff format --check . && mypy && OMP_NUM_THREADS=1 python -m pytest \
    -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
RUN := export PATH="$(CURDIR)/.venv/bin:$$PATH";

# What `make gpu` runs with: .venv if there is one, else this machine's own Python with what `.site`
# adds to it.
GPU_PYTHON ?= $(if $(wildcard .venv/installed),.venv/bin/python,env PYTHONPATH=.site:. python3)

.PHONY: toy smoke study test quick plan watch plots compare slurm slurm-packages cluster-test chaos bench gpu clean

toy: .venv/installed
	@$(RUN) python -m stages.plan $(PLAN) && snakemake --profile workflow/profiles/local

smoke: .venv/installed
	@$(RUN) python -m stages.plan scale=smoke && snakemake --profile workflow/profiles/local

study: .venv/installed
	@$(RUN) python -m stages.plan $(STUDY) && snakemake --profile workflow/profiles/local

test: .venv/installed
	@$(RUN) $(CHECK)

quick: .venv/installed
	@$(RUN) $(CHECK) --quick

plan: .venv/installed
	@$(RUN) python -m stages.plan $(PLAN)

watch: .venv/installed
	@$(RUN) python workflow/watch.py

plots: .venv/installed
	@$(RUN) pip install --quiet --no-deps vl-convert-python==1.9.0.post1 && python workflow/plots.py $(PLOTS)

compare: .venv/installed
	@$(RUN) dvc exp show --only-changed --drop '(results|stages|nassl|workflow|report|params)[/.]' --no-pager

slurm: .venv/cluster
	@$(RUN) python -m stages.plan $(PLAN) && snakemake --profile workflow/profiles/slurm

slurm-packages:
	@command -v slurmctld munged > /dev/null || { apt-get update --quiet=2 \
	    && apt-get install --quiet=2 --yes --no-install-recommends slurm-wlm munge > /dev/null; }

cluster-test: .venv/cluster slurm-packages
	@$(RUN) NASSL_SLURM_TEST=1 python -m pytest tests/scenarios/test_slurm.py tests/scenarios/test_kubernetes.py

chaos: .venv/installed
	@$(RUN) python -m tests.scenarios.chaos --plan $(PLAN)

bench: .venv/installed
	@$(RUN) pip install --quiet --no-deps --requirement benchmarks/requirements.txt && python -m benchmarks

gpu:
	@$(GPU_PYTHON) -m pytest -m cuda tests/cuda && $(GPU_PYTHON) -m benchmarks.cuda

.venv/installed: requirements.txt workflow/envs/nassl.post-deploy.sh
	@$(PYTHON) -m venv .venv
	@echo "Installing into .venv: a few minutes, once."
	@.venv/bin/pip install --quiet $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --requirement requirements.txt
	@$(RUN) sh workflow/envs/nassl.post-deploy.sh
	@touch $@

.venv/cluster: requirements-cluster.txt .venv/installed
	@.venv/bin/pip install --quiet --requirement requirements-cluster.txt
	@touch $@

clean:
	rm -rf results logs .snakemake .checkpoints
