# Two commands do all: `make bench` and `make test`. Both make the environment first where it is missing.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
# Processes that the tests are spread over, file by file.
TEST_WORKERS ?= 2

.PHONY: bench test environment lint types unit benchmarks lock choices clean

bench: environment
	$(BIN)/bench run default

test: lint types unit

environment: .venv/ready

# Made anew when the lock changes. torch comes as the build that the user's own pip settings choose.
.venv/ready: requirements.lock
	@$(PYTHON) -c "import sys; sys.version_info < (3, 11) and sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
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
		| sed -E 's/^(torch==[0-9.]+)\+.*/\1/; s/^(nvidia-.*==.*)/\1 ; platform_system == "Linux"/' > requirements.lock
	rm -rf .venv-lock

# Writes docs/choices.md from the code, and ships docs/concepts.md with the reports.
choices: environment
	$(BIN)/python -m reports.cli.choices docs

clean:
	rm -rf .venv .venv-lock build dist *.egg-info
