# `make` lists the targets. PYTHON chooses the interpreter (`make test PYTHON=python3.12`), ARGS adds arguments.
PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
RUN := $(VENV)/bin/python

.PHONY: help setup train test test-slow mutants mutate lint zoo explore docs data bench gpu clean
help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/installed  ## Make the environment in .venv and install everything.

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "genjax_zoo needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
	@echo "installed; 'source $(VENV)/bin/activate' makes it the python of this shell"

train: setup  ## Train, evaluate and report the main job, a VAE on real digits (under a minute).
	$(RUN) -m experiments.main --config=configs/vae_digits.py $(ARGS)

test: setup  ## Run the tests but the slow ones (minutes).
	$(RUN) -m ruff check .
	$(RUN) -m pytest -q -n 2 --dist loadfile -m 'not slow' $(ARGS)

test-slow: setup  ## Run the slow tests.
	$(RUN) -m pytest -q -m slow $(ARGS)

mutants: setup  ## Break formulas one at a time: each must turn a quick test red (a quarter of an hour).
	$(RUN) -m tests.mutants.run $(ARGS)

mutate: setup  ## Break FILE, or all of prob/, at random places: how much do the quick tests notice?
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutation]'
	$(RUN) -m tests.mutants.sample $(FILE) $(ARGS)

zoo: setup  ## Train every model of DATA (digits), measure all alike, write one page.
	$(RUN) -m experiments.zoo --data=$(or $(DATA),digits) $(ARGS)

explore: setup  ## Open the trained models on a local page, to move sliders, paint and look.
	$(RUN) -m experiments.explore $(ARGS)

docs: setup  ## Build the documentation as a site, build/site/index.html.
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(RUN) -m experiments.website

data: setup  ## Prepare a tensorflow-datasets set: make data DATASET=mnist.
	$(RUN) -m experiments.prepare $(DATASET)

bench: setup  ## Compare training and sampling with PyTorch on this machine: make bench ARGS=--workloads=vae,glow.
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(RUN) -m experiments.bench $(ARGS)

gpu: setup  ## Measure on a GPU, in order of worth, for some minutes: make gpu ARGS=--minutes=30.
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cuda]'
	$(RUN) -m experiments.gpu $(ARGS)

lint: setup  ## Format and check the code.
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

clean:  ## Remove the environment; runs/ stays.
	rm -rf $(VENV) build *.egg-info
