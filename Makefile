# Everything runs in .venv, made from the hashed lock; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
SBOM ?= sbom/atrisk.cdx.json
# Linear algebra on several threads gains nothing here, and waits for processors that others use.
export OPENBLAS_NUM_THREADS := 1

.PHONY: help env test lint types contracts openapi-check unit serve demo examples openapi lock sbom bench load fuzz clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

env: $(VENV)/installed ## make the environment
$(VENV)/installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

test: env lint types contracts openapi-check unit ## everything that .ci/run checks

lint: env ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env ## mypy, strict
	$(BIN)/mypy

contracts: env ## who may import whom
	$(BIN)/lint-imports

openapi-check: env ## openapi/openapi.json is what the app says
	$(BIN)/python -m app.openapi --check

unit: env ## tests and doctests, on all processors, with branch coverage
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered

serve: env ## the service on $(HOST):$(PORT)
	$(BIN)/python -m uvicorn app.main:app --host $(HOST) --port $(PORT)

demo: env ## the founding paper's cohort, posted and printed
	@$(BIN)/python examples/demo.py

examples: env ## write the answers of examples/ anew
	PYTHONPATH=. $(BIN)/python examples/regenerate.py

openapi: env ## write openapi/openapi.json anew
	$(BIN)/python -m app.openapi

bench: env ## the service and its kernels beside their peers, as ratios of one run, into bench/RESULTS.md
	$(BIN)/python -m bench

load: env ## a minute of eight times more clients than are computed and wait at once
	$(BIN)/python -m bench.load

fuzz: env ## 2,000 inputs an operation of the service as it is run, made from its contract, and as many spoilt requests a test
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m pytest -k 'not contract' --hypothesis-profile=fuzz \
	  tests/api/test_fuzz.py tests/api/test_hostile_cohorts.py tests/api/test_extreme_samples.py

lock: ## write the lock files anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 pyproject.toml --extra arrow --extra telemetry --group dev -o requirements-dev.lock

sbom: env ## write $(SBOM) (CycloneDX): what requirements.lock has
	@mkdir -p $(dir $(SBOM))
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml \
	  --output-reproducible --output-file $(SBOM)

clean: ## remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage sbom
