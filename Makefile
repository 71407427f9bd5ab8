# Every target makes the environment it needs; a second call is quick. Plain `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes, and each would compile every module anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
TOOLS := $(VENV)/tools/.installed
RACES := tests/scenarios/crashes/test_crashes.py tests/scenarios/interleavings/test_sender_races.py tests/scenarios/crashes/test_cancellation.py tests/storage/delivery/test_leases.py tests/storage/jobs/test_jobs.py
DELIVERY := domain/delivery/*,storage/delivery/*,tasks/delivery/*,github_api/*
DELIVERY_TESTS := tests/delivery tests/domain/delivery tests/storage/delivery tests/tasks/delivery tests/github_api \
    tests/scenarios/check_runs/test_counterexamples.py
COMPILE = $(VENV)/tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock"

.PHONY: help demo init up deploy upgrade test coverage coverage-floor lint docs mutants repeat soak load bench test-external test-job-users examples examples-smoke screenshots e2e e2e-smoke drills canaries canaries-smoke e2e-hour lock audit clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

demo: $(RUN) ## run four docs jobs for this project's commit while GitHub fails: every outcome on its commit once
	@$(BIN)/reportback demo || { code=$$?; test $$code -eq 130 || exit $$code; } # Ctrl-C is no error

init: $(RUN) ## write a first jobs.toml into the git repository REPO=FOLDER, by the tools found there, and run it once
	@exec $(BIN)/reportback init --repo '$(REPO)'

up: $(RUN) ## run a Prefect server, the deployments and a stand-in GitHub on this machine until Ctrl-C; REPO=FOLDER for a repository of yours, CHECK_RUNS=1 to report as a GitHub App
	@$(BIN)/reportback up $(if $(REPO),--repo '$(REPO)') $(if $(CHECK_RUNS),--check-runs) || { code=$$?; test $$code -eq 130 || exit $$code; } # Ctrl-C is how it ends

deploy: $(RUN) ## make the deployments of this checkout on the Prefect server that PREFECT_API_URL names
	@exec $(BIN)/reportback deploy

upgrade: $(RUN) ## upgrade the ledger that REPORTBACK_DATABASE_URL names to this version's schema
	@exec $(BIN)/reportback db upgrade

test: $(DEV) ## the whole suite on SQLite and PostgreSQL
	@$(BIN)/python -m pytest -n 3 -q $(ARGS)

coverage: $(DEV) ## the same, with the branches that no test takes
	@$(BIN)/python -m pytest -n 3 --cov --cov-report=term:skip-covered -q $(ARGS)

FLOOR := 97
coverage-floor: $(DEV) ## fail if the tests of delivery take less than 97 % of its lines and branches; two minutes
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 0 -q tests/delivery & half=$$!
	trap 'kill $$half 2> /dev/null || true' EXIT
	$(BIN)/coverage run -m pytest -n 0 -q $(filter-out tests/delivery,$(DELIVERY_TESTS))
	wait $$half
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --fail-under=$(FLOOR) --include='$(DELIVERY)'

lint: $(DEV) ## ruff, mypy, deptry (declared and imported packages), white space
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry . --optional-dependencies-dev-groups test,lint # what runs needs neither
	$(BIN)/deptry . tests/support --exclude '\.venv/|build/'
	git diff --check HEAD

docs: $(RUN) ## build the site in docs/ into build/docs
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	echo "build/docs/index.html"

mutants: $(DEV) ## break the code on purpose, one rule at a time; a test has to fail each time
	@$(BIN)/python tests/support/mutants.py

N ?= 50
repeat: $(DEV) ## run the crash and race tests N times (50), each time in another order and with other seeds
	@for seed in $$(seq 1 $(N)); do
	    mkdir -p build; printf 'round %s of $(N): ' $$seed
	    REPORTBACK_TEST_FULL=1 $(BIN)/python -m pytest -n 2 -q --no-header --hypothesis-seed=$$seed $(RACES) > build/repeat.log || { cat build/repeat.log; exit 1; }
	    tail -1 build/repeat.log
	done

MINUTES ?= 10
soak: $(DEV) ## random faults and interleavings for MINUTES (10) on both databases; SEED= repeats a round
	@MINUTES=$(MINUTES) SEED=$(SEED) $(BIN)/python -m pytest -n 0 -s -q --no-header --timeout=0 tests/scenarios/simulated/soak.py

BENCHMARKS ?=
bench: $(DEV) ## measure deliveries, drains, docs jobs, imports and reconciliation runs beside what they are compared with; BENCHMARKS= names some
	@$(BIN)/python -m benchmarks $(BENCHMARKS)

SHARE ?= 1
load: $(DEV) ## simulate three hours at 2,000 outcomes an hour with one credential, or SHARE (1) of them; some minutes
	@PYTHONPATH=. $(BIN)/python tests/support/load.py $(SHARE)

test-external: $(DEV) ## test with tools from outside: real Prometheus, Pushgateway, Debian's PostgreSQL, Chromium
	@$(BIN)/python -m pytest -q --no-header tests/external $(ARGS)

examples: $(DEV) ## run all of examples/, with what they install from a package registry and npm; five minutes
	@$(BIN)/python -m pytest -n 0 -q --no-header --timeout=0 tests/flows/examples/test_*.py tests/flows/examples/registry $(ARGS)

examples-smoke: $(DEV) ## run the examples that need no registry, CoMapeo's nine job types among them; a minute
	@$(BIN)/python -m pytest -n 0 -q --no-header --timeout=0 tests/flows/examples $(ARGS)

test-job-users: $(DEV) ## test jobs as users of their own; needs root, or the capabilities that docs/deploy.md names
	@$(BIN)/python -m pytest -n 2 -q --no-header tests/job_users $(ARGS)

screenshots: $(DEV) ## make the pictures in docs/screens with Chromium; a minute or two
	@$(BIN)/python tests/support/screenshots.py

e2e: $(DEV) ## test a whole installation: Retry, every way a process can die, restarts, outages; eight minutes
	@$(BIN)/python -m pytest -q --no-header --timeout=0 tests/e2e $(ARGS)

e2e-smoke: $(DEV) ## the shortest part of e2e: the schedule fires and delivers, Retry, a killed flow; two minutes
	@$(BIN)/python -m pytest -q --no-header --timeout=0 tests/e2e/test_smoke.py tests/e2e/test_the_ledger_matches_github.py $(ARGS)

drills: $(DEV) ## seventeen failures of an installation: by what each is seen, what is typed, when it has healed; needs root; a quarter of an hour
	@$(BIN)/python -m pytest -n 0 -q --no-header --timeout=0 tests/e2e/drills/*.py $(ARGS)

canaries: $(DEV) ## look for eleven kinds of secrets in 29 places of a whole installation; prints the table; three minutes
	@REPORTBACK_TEST_FULL=1 $(BIN)/python -m pytest -n 0 -s -q --no-header --timeout=0 tests/canaries $(ARGS)

canaries-smoke: $(DEV) ## the same with two jobs and fewer commands; a minute
	@$(BIN)/python -m pytest -n 0 -s -q --no-header --timeout=0 tests/canaries $(ARGS)

e2e-hour: $(RUN) ## `make up` for MINUTES (60), a job a minute, faults at random; then compares memory, and every row
	@MINUTES=$(MINUTES) SEED=$(SEED) $(BIN)/python -m benchmarks.hour
e2e-hour: MINUTES = 60

UPGRADE ?= --upgrade
lock: $(TOOLS) ## pin the newest versions, with hashes, for every platform and Python the project supports; UPGRADE= keeps the pins
	@$(COMPILE) pyproject.toml $(UPGRADE) --all-extras -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra docs -c requirements/dev.txt -o requirements/run.txt
	$(COMPILE) requirements/tools.in $(UPGRADE) -o requirements/tools.txt

SOURCE ?= pypi
audit: $(TOOLS) ## list known vulnerabilities of the pins, by SOURCE (pypi, or osv); fails where it does not answer for every pin
	@$(VENV)/tools/bin/python requirements/audit.py $(SOURCE)

clean: ## remove the environment and everything built
	@rm -rf $(VENV) build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) requirements/supported.py
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@bash requirements/install.sh $(BIN) run
	touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/python
	@bash requirements/install.sh $(BIN) dev
	touch $@ $(RUN)

$(TOOLS): requirements/tools.txt | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r $<
	touch $@
