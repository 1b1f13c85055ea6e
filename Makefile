# Bare `make` lists the targets. `make demo` and `make test` install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
PHOTO ?= $(FST_ASSETS)/photos/content/louvre.jpg
PHOTOS ?= train
SIZE ?= 256
FIGURES := docs/images/studies

.DEFAULT_GOAL := help
.PHONY: help setup demo reproduce studies test lint format types imports check lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null || true # on all cores: pip has one
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

setup: .venv/.installed ## install everything into .venv (about 5 GB, mostly torch)

demo: setup ## stylize a photo, train a style, stylize with it, compare; offline: into demo/
	$(BIN)/fst demo

reproduce: setup ## train a shipped style again and compare: make reproduce STYLE=monet [STEPS=500]
	$(BIN)/fst reproduce $(or $(STYLE),$(error say which: make reproduce STYLE=monet)) $(if $(STEPS),--steps $(STEPS))

studies: setup ## the figures of docs/studies.md, again: make studies [PHOTO=... PHOTOS=... SIZE=256]
	$(BIN)/fst study all --photo $(PHOTO) --photos $(PHOTO) --size $(SIZE) --output studies --copies $(FIGURES) --overwrite
	$(BIN)/fst study units --layer conv1_1 conv2_1 conv3_1 conv4_1 conv5_1 --photos $(PHOTOS) --output studies/units --copies $(FIGURES) --overwrite
	$(BIN)/fst study features $(PHOTO) --layer relu1_1 relu3_1 relu5_1 --count 32 --output studies/features --copies $(FIGURES) --overwrite

test: setup ## run the tests, on all cores
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

lint: setup ## style and mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy
	$(BIN)/mypy

imports: setup ## which module may import which
	$(BIN)/lint-imports

check: test lint types imports ## all that CI runs

format: setup ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## renew requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-header --upgrade -q -o requirements.lock

clean: ## remove what make wrote, but no picture, report, trained style or run
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
