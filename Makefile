# make report   a company's report (COMPANY=demo, ARGS="--notebook 06 -p levels=4")
# make test     the test suite
# Both set up all they need: a virtual environment from the lock files, the package, the demo company.

PYTHON  ?= python3
COMPANY ?= demo
ARGS    ?=

VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check --quiet install
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev
DEMO    := data/demo/transactions.parquet
# A company whose tables come in a Python package pins that package in its own folder.
COMPANY_LOCK  := $(wildcard data/$(COMPANY)/requirements.lock)
COMPANY_READY := $(if $(COMPANY_LOCK),$(VENV)/.company-$(COMPANY))

.PHONY: report test check lab demo validate bench lock format clean help

report: $(RUNTIME) $(COMPANY_READY) $(if $(filter demo,$(COMPANY)),$(DEMO))
	$(BIN)/crm report $(COMPANY) $(ARGS)

test: $(DEV) $(DEMO)
	$(BIN)/pytest -n 2 --dist loadfile -m "not validate" $(ARGS)

check: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/notebooks/test_rules.py tests/test_docstrings.py
	$(BIN)/python tools/lines.py

lab: $(RUNTIME) $(DEMO)
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks $(ARGS)

demo: $(DEMO)

validate: $(DEV) $(DEMO)
	$(BIN)/pytest -n 2 -m validate $(ARGS)

bench: $(DEV)
	$(BIN)/python benchmarks/customer_table.py
	$(BIN)/python benchmarks/clv.py $(ARGS)
	$(BIN)/python benchmarks/segments.py
	$(BIN)/python benchmarks/churn.py
	$(BIN)/python benchmarks/satisfaction.py
	$(BIN)/python benchmarks/report.py

format: $(DEV)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(DEV)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" pyproject.toml --extra postgres --group build \
		-o requirements.lock $(ARGS)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" -c requirements.lock pyproject.toml --extra postgres \
		--extra complete-journey --group build --group dev -o requirements-dev.lock $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:
	@sed -n '1,3p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.company-%: data/%/requirements.lock $(RUNTIME)
	$(PIP) --no-deps --require-hashes -r $<
	@touch $@

# Simulated only where missing: a company made with another seed stays.
$(DEMO): | $(RUNTIME)
	$(BIN)/crm demo
