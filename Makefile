# Every target works in a fresh clone with only Python, make and a compiler: each builds .venv first.
# Another Python beside it: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
export TAPEFLOW := $(CURDIR)/$(BIN)/tapeflow

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow dist lint types bench docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint requirements.lock --editable ".[dev]"
	@touch $(READY)

install: $(READY) ## make .venv with everything in it

demo: $(READY) ## three synthetic days from tape to report
	$(BIN)/tapeflow demo

test: $(READY) ## the fast suite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(READY) ## the slow suite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

dist: $(READY) ## the wheel made from the sdist, installed in an empty environment and tried there
	$(BIN)/python -m pytest tests/house/test_distribution.py

lint: $(READY) ## style and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## mypy, strict
	@mkdir -p .dev && ln -sfn .. .dev/tapeflow
	$(BIN)/mypy -m tapeflow.tests.api.typed_session
	$(BIN)/mypy $(addprefix -p tapeflow.,core aggregation store fetching feeds auditing indicators strategies configs backtest research checks report cli api fast)

bench: $(READY) ## speed and memory beside peers, in one run
	$(PIP) install --constraint requirements.lock --editable ".[bench]"
	for peer in back-trader-cpp backtrader-next; do \
	  $(PIP) install --only-binary :all: --constraint requirements.lock $$peer || echo "$$peer: no wheel for this machine, left out"; done
	for each in tape indicators engine compiled scripts sweep run; do $(BIN)/python benchmarks/$$each.py || exit 1; done

docs: $(READY) ## the site, into docs/_build/html
	$(PIP) install --constraint requirements.lock --editable ".[docs]"
	$(BIN)/python -m sphinx -W --keep-going -q -j 2 docs docs/_build/html
	@echo docs/_build/html/index.html

clean: ## remove what make made
	rm -rf $(VENV) .venv-* .dev .mypy_cache .ruff_cache .pytest_cache docs/_build
