# Every target sets itself up: Python 3.11 or later, git and make are all it takes.
# Environments live in this folder (.venv, .venv-judge) and hold exactly what requirements/*.lock say.

.DEFAULT_GOAL := help
SHELL := /bin/sh
export PIP_DISABLE_PIP_VERSION_CHECK := 1

WORKERS ?= 3
VENV := .venv
JUDGE := .venv-judge
LOCKER := .venv-lock
PIP_INSTALL := -m pip install --quiet --quiet --require-hashes
TESTS := $(VENV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
SOURCES := flows tasks storage_core sandbox
CHECKED := $(SOURCES) tests benchmarks deployments

# The first Python that is new enough; PYTHON=... names another one.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)

.PHONY: help demo test check lock test-long matrices mutants bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.run-installed ## a local Synapse, a sample project migrated and verified, its report
	@rm -rf .demo; if [ -t 1 ] && [ -n "$$DISPLAY$$WAYLAND_DISPLAY" -o "$$(uname)" = Darwin ]; \
		then $(VENV)/bin/synapse-storage demo .demo; else $(VENV)/bin/synapse-storage demo --no-open .demo; fi

test: $(VENV)/.dev-installed $(JUDGE)/.installed ## all tests but the long ones, in random order
	@$(TESTS) -m "not long" $(ARGS)

test-long: $(VENV)/.dev-installed $(JUDGE)/.installed ## the tests that are too long for every push
	@$(TESTS) -m long $(ARGS)

check: $(VENV)/.dev-installed ## formatting, lint, types, import contracts, locks
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/pytest -q -p no:randomly tests/architecture/test_locks.py

matrices: $(VENV)/.dev-installed ## carry out whole enumerations and write their counts down (ARGS="points-new-prompt faults")
	@$(VENV)/bin/python -m tests.matrices $(ARGS)

mutants: $(VENV)/.dev-installed ## break a copy of the product on purpose, in eight ways, and show which tests notice
	@$(VENV)/bin/python -m tests.mutants $(ARGS)

bench: $(VENV)/.dev-installed $(JUDGE)/.installed ## measure us and the existing client side by side, in the sandbox
	@$(VENV)/bin/python -m benchmarks $(ARGS)
	@$(VENV)/bin/python -m benchmarks.page

lock: | need-python ## resolve requirements/*.in into *.lock, keeping pins (ARGS=--upgrade: newest)
	@rm -rf $(LOCKER) && $(PYTHON) -m venv $(LOCKER) && $(LOCKER)/bin/python -m pip install --quiet --quiet uv
	@cd requirements && for name in run dev judge; do \
		echo "Resolving requirements/$$name.in"; \
		../$(LOCKER)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --no-emit-index-url --no-emit-find-links \
			--output-file "$$name.lock" $(ARGS) "$$name.in" >/dev/null || exit 1; \
	done
	@rm -rf $(LOCKER)

clean: ## remove environments, caches and builds
	rm -rf $(VENV) $(JUDGE) $(LOCKER) .demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- environments; a stamp file says that the one it lies in is complete ----

.PHONY: need-python
need-python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later was found (looked for python3 and python3.11 to python3.14)." >&2; \
		echo "Install one, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }

$(VENV)/.made $(JUDGE)/.made: | need-python
	@test -x $(@D)/bin/pip || $(PYTHON) -m venv --clear $(@D)
	@touch $@

$(VENV)/.run-installed: requirements/run.lock pyproject.toml | $(VENV)/.made
	@echo "Installing what the product needs into $(VENV) (once, about a minute) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) -r requirements/run.lock
	@$(VENV)/bin/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-installed: requirements/dev.lock $(VENV)/.run-installed
	@echo "Installing what tests and checks need into $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) -r requirements/dev.lock
	@touch $@

$(JUDGE)/.installed: requirements/judge.lock | $(JUDGE)/.made
	@echo "Installing the client that judges the sandbox into $(JUDGE) ..."
	@$(JUDGE)/bin/python $(PIP_INSTALL) -r requirements/judge.lock
	@touch $@
