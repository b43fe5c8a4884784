# `make quickstart`, `make test` and `make test-all` each work on their own from a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install quickstart test test-all check unlocked audit-dependencies format bench soak lock clean

help:
	@echo "make quickstart  install, then run the embedded study from audio to report (needs no data, and network only to install)"
	@echo "make test        install, then lint, type check, import contract and quick tests (HARNESS_DATA=DIR adds real audio)"
	@echo "make test-all    the same with all tests: killed processes, failing servers, complete reports, a short soak test"
	@echo "make check       lint, type check and import contract only; make format applies fixes"
	@echo "make bench       measure speed and memory; make lock updates the lock files"
	@echo "make unlocked    build the wheel, install it without the lock files in a clean environment, run tiny studies"
	@echo "make soak        kill studies at 60 random moments, inject other faults, and print what survived (half an hour)"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements/dev.lock requirements/uv.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 14) else "harness needs Python 3.11, 3.12, 3.13 or 3.14, but $(PYTHON) is %d.%d; choose another: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# One worker needs 1.5 GiB; two needed 2.6 GiB and were no faster, because the trainings are short.
quickstart: $(INSTALLED)
	$(BIN)/harness run-study studies/quickstart.toml --workers 1

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One process per core, each with one thread; tests of a file stay together because they share fixtures.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
test: check
	$(PYTEST) -m "not slow"

test-all: check
	$(PYTEST)

unlocked: $(INSTALLED)
	@.ci/unlocked

audit-dependencies: $(INSTALLED)
	@.ci/audit-dependencies

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

soak: $(INSTALLED)
	$(BIN)/python -m tests.soak --json tests/soak/results.json

# Hashes without addresses: the lock files work with any index that has the same files. Versions that pyproject.toml
# still allows are kept; `make lock UPGRADE=--upgrade` upgrades everything.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header $(UPGRADE)
lock:
	$(LOCK) --all-extras pyproject.toml -o requirements/dev.lock
	echo uv | $(LOCK) - -o requirements/uv.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
