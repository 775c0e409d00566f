# make demo: try it; make test: prove it; make check: the quick half of the proof.
.PHONY: demo demo-clean test check pages fmt develop lock bench

# pip is to do its work and say nothing else; the scripts of .ci/ inherit this.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

PYTHON ?= python3
DEMO ?= .demo
BIN := .venv/bin
# setuptools warns of a folder with the name of its package: the design wants exactly that.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --quiet
LOCK := requirements/tests.lock
CHECKED := bmuid lib tests cgi-bin benchmarks examples setup.py
TEMPLATES := $(wildcard lib/bmu/ui/templates/*.html)
COMPILED := lib/bmu/ui/compiled/__init__.py
# What a compiler makes of these reads rows of Python by their places: changed sources are built anew.
NATIVE := $(wildcard lib/bmu/*/_*.[ch] lib/bmu/*/*/_*.[ch] bmuid/*/_*.[ch])

demo: .venv/.demo .venv/.programs
	@exec $(BIN)/bmuid demo --directory "$(DEMO)"

# Works without the environment, too: what was started is found by the directory's own pid files.
demo-clean:
	@if [ -x $(BIN)/bmuid ]; then $(BIN)/bmuid demo --clean --directory "$(DEMO)"; else sh .ci/demo-clean "$(DEMO)"; fi

test:
	@sh .ci/system-packages postgresql apache2 stunnel4 chromium chromium-driver openssh-server openssh-client freeradius-utils faketime
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest

check: .venv/.test pages
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/test_tidy.py

fmt: .venv/.test
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix $(CHECKED)

develop: .venv/.test pages

# A changed template is compiled again (installing compiles them, too).
pages: $(COMPILED)

$(COMPILED): $(TEMPLATES) lib/bmu/ui/compile.py | .venv/.test
	@$(BIN)/python -m bmu.ui.compile

bench: .venv/.demo .venv/.programs
	@$(BIN)/python benchmarks/end_to_end.py
	@$(BIN)/python benchmarks/portal.py

# The newest versions that setup.py allows, written down exactly; run the tests, then commit what it wrote.
lock: .venv/.test
	@$(PIP) install --upgrade --upgrade-strategy eager --editable '.[daemon,netflow,test]'
	@$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable > $(LOCK)

# The environment needs no python3-venv: the pip of the system can fill it.
.venv/bin/python:
	@sh .ci/environment "$(PYTHON)"

.venv/.demo: setup.py pyproject.toml $(LOCK) $(TEMPLATES) $(NATIVE) | .venv/bin/python
	@echo "installing what bmuid needs (once)"
	@$(PIP) install --constraint $(LOCK) --editable '.[daemon]'
	@$(BIN)/python -m compileall -q lib bmuid
	@touch $@

.venv/.test: setup.py pyproject.toml $(LOCK) $(NATIVE) | .venv/bin/python
	@echo "installing what bmuid and its tests need (once)"
	@$(PIP) install --constraint $(LOCK) --editable '.[daemon,netflow,test]'
	@$(BIN)/python -m compileall -q lib bmuid
	@touch $@ .venv/.demo

.venv/.programs: requirements/database.lock | .venv/.demo
	@sh .ci/database-programs $(BIN)/python
	@touch $@
