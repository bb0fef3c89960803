# Needs git, make and Python >= 3.11 with pip; the rest is installed into .venv, pinned by hash.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q install

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/pip.stamp:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/replay.stamp: .venv/pip.stamp requirements-replay.txt pyproject.toml
	$(PIP) --require-hashes -r requirements-replay.txt
	$(PIP) --no-deps -e .
	@touch $@

.venv/dev.stamp: .venv/replay.stamp requirements-dev.txt
	$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: replay
replay: .venv/replay.stamp  ## play every sample in events/ through the real handlers, on this machine
	$(BIN)/csr-approver replay events

.PHONY: test
test: .venv/dev.stamp  ## the test suite that needs nothing but PyPI
	$(BIN)/python -m pytest -n auto tests

.PHONY: lint
lint: .venv/dev.stamp  ## format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy layers/csr_approver/csr_approver local/csr_approver_local functions watcher/csr_watcher tests
	$(BIN)/lint-imports

.PHONY: bench
bench: .venv/dev.stamp  ## what a verdict costs, and how far the watcher lags, each beside its limit
	$(BIN)/python -m tests.bench

.PHONY: format
format: .venv/dev.stamp  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: requirements
requirements: .venv/dev.stamp  ## renew the hash-pinned requirements from pyproject.toml and watcher/requirements.in (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o layers/csr_approver/requirements.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra replay -c layers/csr_approver/requirements.txt -o requirements-replay.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra replay --group dev -c requirements-replay.txt -o requirements-dev.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 watcher/requirements.in -c layers/csr_approver/requirements.txt -o watcher/requirements.txt

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
