# Needs git, make and Python >= 3.11 with pip; the rest is installed into .venv, pinned by hash.
PYTHON ?= python3
BIN := .venv/bin
# Lambda's Python: the one on PATH if it runs (pyenv's shim may not), else pyenv's.
PYTHON313 ?= $(shell for each in python3.13 $(HOME)/.pyenv/versions/3.13.*/bin/python3.13; do \
	if $$each -c '' 2>/dev/null; then command -v $$each; break; fi; done)
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .venv/sam/bin/sam
# What `make build` builds for, as the template's parameter says, and where to. The layer's Makefile reads it too.
ARCHITECTURE ?= arm64
BUILD_DIR ?= .aws-sam/build
SAM_BUILD = PYTHON313=$(PYTHON313) ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --build-dir $(BUILD_DIR) --parameter-overrides Architecture=$(ARCHITECTURE)
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

# Many tests wait for something: one worker more than there are cores saves a quarter of the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')

.PHONY: test
test: .venv/dev.stamp .venv/sam.stamp  ## the test suite that needs nothing but PyPI
	$(BIN)/python -m pytest -n $(WORKERS) tests

.aws-sam/runtime-client.stamp: requirements-artifact.txt | python313
	rm -rf .aws-sam/runtime-client
	$(PYTHON313) -m pip --disable-pip-version-check -q install --require-hashes --target .aws-sam/runtime-client -r requirements-artifact.txt
	@touch $@

# The functions are built for this machine, in a folder of their own: what is deployed is for arm64.
.PHONY: test-artifact
test-artifact: ARCHITECTURE = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
test-artifact: BUILD_DIR := .aws-sam/artifact
test-artifact: .venv/dev.stamp .venv/sam.stamp python313 .aws-sam/runtime-client.stamp  ## build the functions, play the samples on them, time their cold start
	$(SAM_BUILD)
	PYTHON313=$(PYTHON313) $(BIN)/python -m pytest -n auto tests/artifact
	PYTHON313=$(PYTHON313) $(BIN)/python -m tests.bench artifact

# Without dependencies: the files hold all of them, and pip would refuse one that is named with its extras.
.venv/sam.stamp: .venv/pip.stamp requirements-sam.txt
	$(PYTHON) -m venv .venv/sam
	.venv/sam/bin/python -m pip --disable-pip-version-check -q install --no-deps --require-hashes -r requirements-sam.txt
	@touch $@

.venv/checkov.stamp: .venv/pip.stamp requirements-checkov.txt
	$(PYTHON) -m venv .venv/checkov
	.venv/checkov/bin/python -m pip --disable-pip-version-check -q install --no-deps --require-hashes -r requirements-checkov.txt
	@touch $@

.PHONY: python313
python313:
	@test "$(PYTHON313)" || { echo "Python 3.13, Lambda's, is needed: install it, or name it in PYTHON313" >&2; exit 1; }

.PHONY: build
build: .venv/sam.stamp python313  ## build what `sam deploy` deploys, and weigh it (ARCHITECTURE=x86_64 for the other one)
	$(SAM_BUILD)
	$(PYTHON) -m tests.size $(BUILD_DIR)

.PHONY: deploy-check
deploy-check: .venv/sam.stamp .venv/checkov.stamp  ## the template, as SAM, cfn-lint and checkov see it
	$(SAM) validate --lint
	.venv/sam/bin/cfn-lint template.yaml
	.venv/checkov/bin/checkov --skip-download --quiet --compact --framework cloudformation -f template.yaml

.PHONY: lint
lint: .venv/dev.stamp  ## format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy layers/csr_approver/csr_approver layers/csr_approver/trim_model.py local/csr_approver_local functions watcher/csr_watcher tests
	$(BIN)/lint-imports

.PHONY: integration
integration: .venv/dev.stamp  ## the product on a real API server: contract, end to end, chaos
	$(BIN)/python -m pytest -n auto tests/contract tests/integration tests/chaos tests/watcher

.PHONY: bench
bench: .venv/dev.stamp  ## what it costs and how long it takes, each figure beside its limit (BENCH="storm latency" for some)
	$(BIN)/python -m tests.bench $(BENCH)

# Minutes, so not in CI.
.PHONY: soak
soak: .venv/dev.stamp  ## 20,000 requests through the whole chain in one run (REQUESTS=2000 for fewer)
	$(BIN)/python -m tests.bench.soak $(REQUESTS)

.PHONY: docs
docs: .venv/dev.stamp  ## write what is made from the command's options: docs/cli.md and the scripts for shells
	$(BIN)/python -m tests.generated

.PHONY: format
format: .venv/dev.stamp  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: requirements
requirements: .venv/dev.stamp  ## renew the hash-pinned requirements from pyproject.toml and watcher/requirements.in (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o layers/csr_approver/requirements.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra replay -c layers/csr_approver/requirements.txt -o requirements-replay.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra replay --group dev -c requirements-replay.txt -o requirements-dev.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.13 --group artifact -o requirements-artifact.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --group sam -o requirements-sam.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --group checkov -o requirements-checkov.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 watcher/requirements.in -c layers/csr_approver/requirements.txt -o watcher/requirements.txt

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .venv .aws-sam .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
