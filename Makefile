# `make quickstart`, `make test` and `make test-all` each work on their own from a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install quickstart test test-all check unlocked audit-dependencies format bench soak lock clean

help:
	@echo "make quickstart  install, then run the embedded study from audio to LaTeX tables (no network beyond the install)"
	@echo "make test        install, then lint, type check, import contract and the quick tests (HARNESS_DATA=DIR adds real audio)"
	@echo "make test-all    the same with every test: killed processes, dying servers, whole reports, a short soak"
	@echo "make check       the checks alone; make format rewrites; make bench measures; make lock renews the lock files"
	@echo "make unlocked    build the wheel, install it without the lock elsewhere, run a tiny study with it"
	@echo "make soak        kill studies at 60 random moments, disturb them otherwise, and print what survived (half an hour)"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements/dev.lock requirements/uv.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 14) else "harness needs Python 3.11, 3.12, 3.13 or 3.14, and $(PYTHON) is %d.%d; name another: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# One worker keeps it at 1.5 GiB; two took 2.6 GiB and were no faster, so short are its trainings.
quickstart: $(INSTALLED)
	$(BIN)/harness run-study studies/quickstart.toml --workers 1

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A process a core, each with one thread; a file's tests stay together, for they share what they set up.
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

# Hashes without addresses: the files work with any index that holds the same files. What pyproject.toml still allows
# keeps its version; `make lock UPGRADE=--upgrade` takes the newest of everything.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header $(UPGRADE)
lock:
	$(LOCK) --all-extras pyproject.toml -o requirements/dev.lock
	echo uv | $(LOCK) - -o requirements/uv.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
