# Two commands for a newcomer, each complete on a machine with Python >= 3.11 and make:
#
#   make demo    installs subgrid, compares closures of 2D turbulence (3 minutes on 2 cores), leaves tables and figures
#   make test    installs the development set and runs every check and test
#
# Further: make learned (a learned closure from data to judgement), make docs (all pages into site/), make lint, make slow
# (long studies), make clean. Both environments live in VENV; a second call installs nothing.

VENV ?= .venv
WORKERS ?= 2
# a plain or newer torch may bring several GB of CUDA packages; it is installed first and alone so that pip keeps it
TORCH ?= torch==2.13.0

# what drawing without a screen and the tests in a browser need; tests that lack it are skipped and say so
SYSTEM_PACKAGES := libegl1 libegl-mesa0 libgl1-mesa-dri chromium

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO_READY := $(VENV)/.demo-installed
TEST_READY := $(VENV)/.test-installed

export MPLBACKEND := Agg
export NUMBA_CACHE_DIR := $(CURDIR)/.numba_cache

.PHONY: help demo docs learned test lint slow clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

demo: $(DEMO_READY)
	$(BIN)/subgrid compare scenarios/compare/demo.toml --out demo
	@echo
	@echo "Which closure keeps coarse two-dimensional turbulence true to its resolved reference, and at what cost? Look at:"
	@echo "  demo/table.txt                  the tables above; rows are closures, 'none' is the run without one"
	@echo "  demo/figures/spectra.png        where each spectrum leaves the reference"
	@echo "  demo/figures/distributions.png  who keeps the extreme vorticity"
	@echo "  demo/figures/panels.png         the vorticity fields side by side, when the typical closure has just lost the reference"
	@echo "  demo/figures/correlation.png    when each run loses the reference"
	@echo "  demo/figures/cost.png           error against wall time"

LEARNED := plugins/subgrid_active/weights

learned: $(TEST_READY)
	$(BIN)/subgrid sweep $(LEARNED)/kinetic.toml --out learned/kinetic
	$(BIN)/subgrid train $(LEARNED)/learned_residual.toml --out learned/learned_residual --overwrite
	$(BIN)/subgrid train $(LEARNED)/learned_equivariant.toml --out learned/learned_equivariant --overwrite
	$(BIN)/subgrid train $(LEARNED)/unrolled_residual.toml --out learned/unrolled_residual --overwrite \
	    --set 'closure.weights="../../../learned/learned_residual/weights.safetensors"'
	$(BIN)/subgrid compare scenarios/compare/active_fluid_learned.toml --out learned/compare \
	    --set 'variants.1.set.closures.0.weights="../../learned/learned_residual/weights.safetensors"' \
	    --set 'variants.2.set.closures.0.weights="../../learned/learned_equivariant/weights.safetensors"' \
	    --set 'variants.3.set.closures.0.weights="../../learned/unrolled_residual/weights.safetensors"'

test: $(TEST_READY) lint
	@echo "== tests"
	NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS)
	@echo "== all checks and tests passed"

lint: $(TEST_READY)
	@echo "== style, types, imports"
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(TEST_READY)
	$(PIP) install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Open site/index.html"

slow: $(TEST_READY)
	NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -m slow -s

clean:
	rm -rf demo dist build learned site .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(DEMO_READY): pyproject.toml | $(BIN)/python
	@echo "== installing subgrid with figures into $(VENV) (about a minute)"
	$(PIP) install --quiet --editable '.[viz]'
	@touch $@

$(TEST_READY): pyproject.toml | $(BIN)/python
	@echo "== installing torch, subgrid and the development tools into $(VENV) (some minutes)"
	$(PIP) install --quiet '$(TORCH)'
	$(PIP) install --quiet --editable '.[ml,dev]'
	$(PIP) install --quiet --no-deps the_well  # its own pins are older than what the rest needs
	-@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(SYSTEM_PACKAGES) >/dev/null 2>&1; then \
	    echo "== installing system packages for pictures and browser tests, where possible"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(SYSTEM_PACKAGES); } >/dev/null 2>&1 \
	        || echo "== not possible: the tests that need them are skipped"; \
	fi
	@touch $@

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "== making the virtual environment $(VENV) with $$($$python --version)"; \
	        "$$python" -m venv $(VENV) && exit 0; \
	        echo "error: $$python cannot make a virtual environment (on Debian and Ubuntu: install python3-venv)"; exit 1; \
	    fi; \
	done; \
	echo "error: subgrid needs Python 3.11 or newer; found $$(python3 --version 2>&1). Name one: make PYTHON=/path/to/python3"; \
	exit 1
