# make toy    everything at toy scale: install, run the graph; results/report.html shows all of it
# make test   install, lint, test
# make plan   rewrite params.yaml (PLAN="scale=lab paper=[ssnas]")
# make compare  experiments side by side, only what differs
# make chaos  the toy graph, killed again and again, against an undisturbed run
# make bench  speed against peers, one line per claim
PYTHON ?= python3
# For a machine without a GPU, the smaller build: TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PLAN ?= scale=toy
RUN := export PATH="$(CURDIR)/.venv/bin:$$PATH";

.PHONY: toy test plan compare chaos bench clean

toy: .venv/installed
	@$(RUN) python -m stages.plan $(PLAN) && snakemake --profile workflow/profiles/local

test: .venv/installed
	@$(RUN) ruff check . && ruff format --check . && python -m pytest

plan: .venv/installed
	@$(RUN) python -m stages.plan $(PLAN)

compare: .venv/installed
	@$(RUN) dvc exp show --only-changed --drop '(results|stages|workflow|report|params)[/.]' --no-pager

chaos: .venv/installed
	@$(RUN) python -m tests.scenarios.chaos --plan $(PLAN)

bench: .venv/installed
	@$(RUN) pip install --quiet --no-deps --requirement benchmarks/requirements.txt && python -m benchmarks

.venv/installed: requirements.txt
	@$(PYTHON) -m venv .venv
	@echo "Installing into .venv: a few minutes, once."
	@.venv/bin/pip install --quiet $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --requirement requirements.txt
	@touch $@

clean:
	rm -rf results logs .snakemake .checkpoints
