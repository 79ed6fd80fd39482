# The handles of the project. Each makes what it needs: `make lab` on a fresh clone is enough.
#
#   make env      .venv with everything; nothing else here reaches beyond this machine
#   make lab      hub, node, simulated station and JupyterLab; LAB=--no-browser, LAB="--port 9999"
#   make test     everything that must hold; TESTS=tests/client for a part, one at a time
#   make lint     style, types and layers only
#   make bench    every benchmark; BENCH=--quick for the short versions
#   make docs     the documentation, in docs/_build/html

PYTHON ?= python3
BIN := .venv/bin
# Tests wait more than they compute, for processes and for clocks: so two of them run at a time.
TESTS := -n 2 --dist loadfile
# See tests/guard/sitecustomize.py. pytest puts it there by itself.
LOOPBACK_ONLY := PYTHONPATH=$(CURDIR)/tests/guard

.PHONY: env lab test lint bench docs

env: .venv/.made

.venv/.made: pyproject.toml constraints.txt scripts/make-env
	scripts/make-env $(PYTHON) .venv
	touch $@

lab: env
	$(BIN)/skyscan lab $(LAB)

# Threads of linear algebra on top of that wait for each other: a second's work took a minute.
test: export OMP_NUM_THREADS = 1
# A hundred processes are started, and none but the first need compile us.
test: export PYTHONDONTWRITEBYTECODE =
test: lint
	scripts/install-test-programs
	$(BIN)/pytest $(TESTS)

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: env
	missed=; for script in benchmarks/*.py; do \
		$(BIN)/python "$$script" $(BENCH) || missed="$$missed $$script"; \
	done; test -z "$$missed" || { echo "missed:$$missed"; exit 1; }

docs: env
	$(LOOPBACK_ONLY) $(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
