# RegistryHub. One command a chore; CI runs the same ones.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?=
PYTEST ?= $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help install run test check bench soak peers screenshots

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

install: $(VENV)/installed ## Install what the hub runs on into .venv

run: $(VENV)/installed ## Start everything on http://127.0.0.1:5000, data under ./var
	@$(BIN)/python manage.py serve $(CONFIG)

test: $(VENV)/installed-dev ## Run the tests on SQLite and, beside that, on PostgreSQL and Redis
	@$(BIN)/python -m tests.side_by_side

check: $(VENV)/installed-dev ## Lint, types, import contracts, migrations, API schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: $(VENV)/installed-dev ## Measure speed beside docker-registry, as ratios
	$(BIN)/python -m tests.bench

soak: $(VENV)/installed-dev ## Run the long storms
	$(PYTEST) tests/soak --database=sqlite
	$(PYTEST) tests/soak --database=postgres

screenshots: $(VENV)/installed-dev ## Photograph the pages of a believable hub into docs/screenshots
	$(BIN)/python -m tests.screenshots

peers: ## Install the real peers of the tests from Debian (as root)
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		apache2-utils busybox-static chromium docker.io docker-registry iproute2 nginx podman skopeo umoci wrk
