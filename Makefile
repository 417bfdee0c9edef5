# Everything runs in .venv, which the first target that needs it creates. Another Python: make PYTHON=python3.12 ...
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# overrides for ddpg-train: make train ARGS="env=hopper preset=td3"
ARGS ?=
# options for pytest: make test PYTEST_ARGS="-k noise -x"
PYTEST_ARGS ?=
# test processes at a time
JOBS ?= 2
# test processes at a time on Slurm, where tests wait more than they compute; each process starts a Slurm
SLURM_JOBS ?= 4

# One thread each: parallel tests would fight for the cores.
export OMP_NUM_THREADS ?= 1
# The .venv alone decides what is imported, whatever the variables of the caller's shell are.
unexport PYTHONHOME
unexport PYTHONPATH
# Images of containers set it. Each process of a test or a sweep would compile the package again, which takes a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup train test test-newest test-slow test-slurm lint check format benchmark evidence evidence-status clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## create .venv with everything in it; does nothing when it is up to date

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here: install Python 3.10 or newer, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1): Python 3.10 or newer is needed, name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) cannot create environments: install its venv (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

train: $(STAMP)  ## train; ARGS="env=hopper preset=td3" passes overrides on
	$(BIN)/ddpg-train $(ARGS)

test: $(STAMP)  ## the fast tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow and not slurm" $(PYTEST_ARGS)

test-slow: $(STAMP)  ## the slow tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m slow -o faulthandler_timeout=3600 $(PYTEST_ARGS)

test-newest: $(STAMP)  ## the fast tests with the newest releases, in .venv-newest; STRICT=1 fails, NEWEST_TORCH=1 tries torch, too
	$(BIN)/python scripts/newest.py $(if $(STRICT),--strict) $(if $(NEWEST_TORCH),--torch) -- -n $(JOBS) --dist loadgroup -m "not slow and not slurm" $(PYTEST_ARGS)

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test-slurm: $(STAMP)  ## the tests on a real Slurm, which they start themselves (apt-get install slurm-wlm munge)
	$(BIN)/python -m pytest -n $(SLURM_JOBS) --dist loadgroup -m slurm $(PYTEST_ARGS)

check: lint test  ## lint, then test

format: $(STAMP)  ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmark: $(STAMP)  ## the table of docs/performance.md, measured here; ARGS="--rows floor start"
	$(BIN)/python scripts/benchmark.py $(ARGS)

# as many runs as there are cores, unless JOBS is in the command
evidence: JOBS =
evidence: $(STAMP)  ## train the next runs of the published tables; Ctrl-C saves, JOBS=1 trains one at a time
	$(BIN)/python scripts/evidence.py train $(if $(JOBS),--jobs $(JOBS))

evidence-status: $(STAMP)  ## what of that list is done, running and left, in core-hours
	$(BIN)/python scripts/evidence.py status

clean:  ## remove both environments, builds and caches; never outputs/
	rm -rf $(VENV) .venv-newest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find ddpg conf scripts tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
