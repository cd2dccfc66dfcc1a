.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo tui test test-kit test-tui-1 test-tui-2 test-rest matrix check docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt examples/eventbus-sqlite/pyproject.toml
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt hatchling
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt \
		--no-build-isolation -e '.[dev]' -e examples/eventbus-sqlite
	@touch $@

demo: $(STAMP) ## Run the demonstration
	@$(BIN)/python examples/demo.py

tui: $(STAMP) ## The monitor on simulated services, in this terminal
	@$(BIN)/eventbus-tui --demo

check: $(STAMP) ## Lint, formatting, types, import rules
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@log=$$($(BIN)/lint-imports 2>&1) || { echo "$$log"; exit 1; }

docs: $(STAMP) ## Build the documentation, warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q --strict --site-dir build/site

test: check docs ## check, docs and all tests but the matrix
	@$(MAKE) -j4 --output-sync=target test-kit test-tui-1 test-tui-2 test-rest

# All at the same time: most of the tests wait for leases, processes, servers and screens.
KIT := tests/conformance tests/model

test-kit: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not matrix" $(KIT)

test-tui-1: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not matrix" tests/tui/test_[a-g]*.py

test-tui-2: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not matrix" tests/tui/test_[!a-g]*.py

test-rest: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not matrix" $(KIT:%=--ignore=%) --ignore=tests/tui

matrix: $(STAMP) ## Behaviour and conformance on servers of other versions, long model runs
	@$(BIN)/python -m pytest -q -m matrix

clean: ## Remove everything that the other targets made
	@rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
