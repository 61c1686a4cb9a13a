# The two commands of the README: `make demo` and `make test`. Both need only Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check -q
WORKERS ?= 2
EXTRAS ?= test
TESTED = $(VENV)/.test-$(EXTRAS)
INPUTS = pyproject.toml $(shell find logwatch -name '*.py' 2>/dev/null)

.PHONY: demo test lint sbom audit clean

demo: $(VENV)/.installed
	$(VENV)/bin/logwatchd demo

test: $(TESTED)
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bandit -q -c pyproject.toml -r logwatch plugins deploy

# What a plain install runs with, and whether something is known to be wrong with it.
sbom: $(VENV)/.release
	mkdir -p dist
	$(VENV)/bin/python deploy/runtime_packages.py > dist/requirements.txt
	version=$$($(VENV)/bin/python -c 'import logwatch; print(logwatch.__version__)') \
	  && sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > dist/pyproject.toml
	$(VENV)/bin/cyclonedx-py requirements dist/requirements.txt --pyproject dist/pyproject.toml --mc-type application \
	  --output-reproducible --of JSON -o dist/logwatchd.cdx.json

audit: $(VENV)/.release
	mkdir -p dist
	$(VENV)/bin/python deploy/runtime_packages.py > dist/requirements.txt
	$(VENV)/bin/pip-audit --strict --disable-pip --no-deps -r dist/requirements.txt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A plain install, as a user would get it: the wheel, not the clone.
$(VENV)/.installed: $(VENV)/bin/python $(INPUTS)
	@echo "Installing logwatchd into $(VENV) (torch is large: a few minutes on a slow line)"
	$(PIP) install .
	@touch $@

$(TESTED): $(VENV)/bin/python pyproject.toml
	@echo "Installing logwatchd and its tests into $(VENV) (torch is large: a few minutes on a slow line)"
	$(PIP) install -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.dev: $(TESTED)
	$(PIP) install -e '.[test,dev]'
	@touch $@

$(VENV)/.release: $(TESTED)
	$(PIP) install -e '.[test,release]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
