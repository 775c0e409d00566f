# make demo: try it; make test: prove it; make check: the quick half of the proof.
.PHONY: demo demo-clean test check fmt develop lock bench

PYTHON ?= python3
DEMO ?= .demo
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CHECKED := bmuid lib tests cgi-bin benchmarks examples setup.py

demo: .venv/.demo
	@$(BIN)/bmuid demo --directory "$(DEMO)"

# Works without the environment, too: what was started is found by the directory's own pid files.
demo-clean:
	@if [ -x $(BIN)/bmuid ]; then $(BIN)/bmuid demo --clean --directory "$(DEMO)"; else sh .ci/demo-clean "$(DEMO)"; fi

test: check
	@sh .ci/system-packages postgresql apache2 stunnel4 chromium chromium-driver
	@$(BIN)/pytest

check: .venv/.test
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/test_tidy.py

fmt: .venv/.test
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix $(CHECKED)

develop: .venv/.test

bench: .venv/.demo
	@$(BIN)/python benchmarks/end_to_end.py
	@$(BIN)/python benchmarks/portal.py

# The exact versions of everything the tests run with; commit what it writes.
lock: .venv/.test
	@$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable > requirements/tests.lock

# The environment needs no python3-venv: pip of the system fills it.
.venv/bin/python:
	@sh .ci/environment "$(PYTHON)"

.venv/.demo: setup.py pyproject.toml requirements/tests.lock .venv/bin/python
	@echo "installing what bmuid needs (once)"
	@$(PIP) install --constraint requirements/tests.lock --editable '.[daemon]'
	@sh .ci/database-programs $(BIN)/python
	@$(BIN)/python -m compileall -q lib bmuid
	@touch $@

.venv/.test: setup.py pyproject.toml requirements/tests.lock .venv/bin/python
	@echo "installing what bmuid and its tests need (once)"
	@$(PIP) install --constraint requirements/tests.lock --editable '.[daemon,test]'
	@$(BIN)/python -m compileall -q lib bmuid
	@touch $@ .venv/.demo
