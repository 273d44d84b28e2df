# `make demo` and `make test` need Python 3.11 or newer and make; all else they install into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo web page desktop screenshots docs test test-all lint format bench pins clean

help:  ## Show what can be made.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/run  ## Analyse the sample photos and say where the annotated ones are.
	@$(BIN)/emojimation demo

web: .venv/web  ## Open the web pages on this machine: http://127.0.0.1:8501
	@$(BIN)/emojimation web --browser

page: .venv/run  ## Write the page that needs no server to out/page and open it: http://127.0.0.1:8502
	@$(BIN)/emojimation page out/page --browser

screenshots: .venv/test  ## Photograph every web page; writes out/screenshots/ (needs chromium).
	$(BIN)/python scripts/web_screenshots.py

docs: .venv/docs  ## Build the documentation as a site: out/site/index.html
	$(BIN)/mkdocs build --strict

desktop: .venv/desktop  ## Open the window: live video, avatar, probabilities.
	@$(BIN)/emojimation desktop

WHICH ?= not slow and not e2e
test: .venv/test  ## Run the fast tests; WHICH="not e2e" adds the slow ones.
	$(BIN)/python -m pytest -m "$(WHICH)" -n auto --dist loadfile --no-loadscope-reorder

test-all: .venv/test  ## Run all tests: also the slow ones, the real browser and the real window (needs chromium, xvfb, xdotool, openbox).
	$(BIN)/python -m pytest

lint: .venv/test  ## Check style, types and import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/test  ## Put the code into the project's format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/test  ## Measure start-up, speed on photos and sizes; writes benchmarks/results/.
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/size.py
	$(BIN)/python benchmarks/photo.py

pins:  ## Resolve requirements/*.txt anew (needs uv).
	bash requirements/compile.sh

clean:  ## Remove the environment and what tools have left.
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Error: Expected Python 3.11 or newer, found none. Install it, or set PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Error: Expected Python 3.11 or newer, got $$($(PYTHON) --version). Set PYTHON=..." >&2; exit 2; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Error: Expected the venv module. On Debian: apt-get install python3-venv" >&2; exit 2; }

.venv/run: .venv/bin/python requirements/run.txt pyproject.toml
	@echo "Installing what the program needs ..."
	@$(PIP) install -r requirements/run.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

.venv/web: .venv/run requirements/web.txt
	@echo "Installing what the web pages need ..."
	@$(PIP) install -r requirements/web.txt
	@touch $@

.venv/test: .venv/run requirements/test.txt
	@echo "Installing what the tests need ..."
	@$(PIP) install -r requirements/test.txt
	@touch $@

.venv/docs: .venv/run requirements/docs.txt
	@echo "Installing what the documentation needs ..."
	@$(PIP) install -r requirements/docs.txt
	@touch $@

.venv/desktop: .venv/run requirements/desktop.txt
	@echo "Installing what the window needs ..."
	@$(PIP) install -r requirements/desktop.txt
	@touch $@
