# Two commands do all: `make bench` and `make test`. Both make the environment first where it is missing.
PYTHON ?= python3
BIN := .venv/bin
SHELL := bash
export OMP_NUM_THREADS ?= 1
# Processes that the tests are spread over, file by file.
TEST_WORKERS ?= 2

.PHONY: bench test environment lint types unit benchmarks lock choices notebooks clean

bench: environment
	$(BIN)/bench run default

test: lint types unit

environment: .venv/ready

# pip's some 450 lines as one line for each package of 10 MB and more, and one for the step that follows.
SHOWN = awk '/Downloading .*([0-9][0-9]\.[0-9] MB|GB)/ {print "  fetching " $$2, $$3, $$4} \
	/^Installing collected/ {print "  installing " NF - 3 " packages: a minute or two"} {fflush()}'

# Made anew when the lock changes. torch comes as the build that the user's own pip settings choose.
.venv/ready: requirements.lock
	@$(PYTHON) -c "import sys; sys.version_info < (3, 11) and sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.11 ...')"
	@echo "environment: .venv from requirements.lock, packages of 10 MB and more are named"
	@$(PYTHON) -m venv .venv
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r requirements.lock | $(SHOWN)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@echo "environment: ready, $$(du -sh .venv | cut -f1)"
	@touch $@

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: environment
	$(BIN)/mypy

unit: environment
	$(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile

benchmarks: environment
	@for script in benchmarks/*.py; do echo "$$script"; $(BIN)/python $$script || exit 1; done

# Resolves the newest versions that pyproject.toml allows in a clean environment and pins them all.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install -q "setuptools>=80" "torch==2.13.0"
	.venv-lock/bin/python -m pip install -q ".[all,test]"
	.venv-lock/bin/python -m pip freeze --all --exclude perfmodel --exclude pip \
		| sed -E 's/^(torch==[0-9.]+)\+.*/\1/; s/^(nvidia-.*==.*)/\1 ; platform_system == "Linux"/; s/^(xgboost)-cpu==(.*)/\1==\2 ; platform_system == "Darwin"\n\1-cpu==\2 ; platform_system != "Darwin"/' > requirements.lock
	rm -rf .venv-lock

# Writes docs/choices.md and docs/suite.md from the code, and ships docs/concepts.md with the reports.
choices: environment
	$(BIN)/python -m reports.cli.choices docs

# Runs the notebooks and writes each with its outputs and pictures beside its .py.
notebooks: environment
	$(BIN)/python tests/notebooks/with_outputs.py

clean:
	rm -rf .venv .venv-lock build dist *.egg-info
