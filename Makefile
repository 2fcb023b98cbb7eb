# Two commands for a fresh machine: `make demo` and `make test`. Needs Python 3.11 or newer and a network.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$p && break; done)
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
JOBS ?= 2  # test files run side by side; each job has servers of its own

.PHONY: demo test lint lock clean
demo: .venv/.installed
	@exec scripts/demo.sh

test: .venv/.installed
	@$(BIN)/python -m pytest --numprocesses=$(strip $(JOBS)) --dist=loadfile $(ARGS)

lint: .venv/.installed
	@$(BIN)/python -m pytest -q tests/unit/test_gates.py

# Written anew whenever the lock or the project file changes, so that nothing is installed twice.
.venv/.installed: requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@if command -v uv > /dev/null; then uv pip install -q --python $(BIN)/python -r requirements.lock; \
	else $(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock; fi
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -e .
	@touch $@

# Pins the newest releases that pyproject.toml allows; the lock names no index and no path.
lock:
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check pip-tools
	@$(BIN)/pip-compile -q --upgrade --extra test --strip-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --no-emit-options --output-file requirements.lock pyproject.toml

clean:
	@rm -rf .venv build *.egg-info .*_cache .hypothesis .schemathesis
	@find . -name __pycache__ -not -path './.git/*' -exec rm -rf {} +
