# The two front doors are `make up` and `make test`; `make` alone says what else there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

ENV ?= local
CALLS ?= 6
DAG ?=
TASK ?=
PYTEST_ARGS ?=
SIDE_BY_SIDE := --dist loadscope --no-loadscope-reorder --numprocesses
STACK_TESTS := tests/e2e tests/integration images
SWITCHBOARD_CACHE ?= $(HOME)/.cache/switchboard
export SWITCHBOARD_CACHE
ORIGINAL_PATH := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(SWITCHBOARD_CACHE)/tools/bin:$(PATH)
PYTHON := .venv/bin/python

##@ Start here
.PHONY: help up down test
help: ## Show this list
	@awk -f tools/help.awk $(MAKEFILE_LIST)

up: tools ## Stand up ENV (default: local) and transcribe a sample call on it
	@$(PYTHON) -m ops.up --env $(ENV)

down: ## Remove ENV: nothing of it stays on this machine
	@$(PYTHON) -m ops.down --env $(ENV)

test: tools lint test-unit test-stack ## Everything that CI runs

##@ Develop
.PHONY: tools lint fmt lock test-unit test-integration e2e test-stack
tools: ## Install what the project needs (says first what that is)
	@PATH="$(ORIGINAL_PATH)" python3 -m tools $(if $(filter tools,$(MAKECMDGOALS)),--next)

lint: ## Check style (ruff) and types (mypy, strict)
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m tools.check_types

fmt: ## Put the code into the house style
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

lock: ## Pin the Python requirements again after a change of a .in file (UPGRADE=1: to the newest)
	@$(PYTHON) -m tools.lock $(if $(UPGRADE),--upgrade)

test-unit: ## The fast tests: no container, no cluster
	@$(PYTHON) -m pytest -m "not integration and not e2e" $(SIDE_BY_SIDE) 2 $(PYTEST_ARGS)

test-integration: ## Tests with containers, servers and Pulumi's engine
	@$(PYTHON) -m pytest -m integration $(STACK_TESTS) $(SIDE_BY_SIDE) 3 $(PYTEST_ARGS)

e2e: ## The whole path, on the stack that it stands up itself
	@$(PYTHON) -m pytest -m e2e tests/e2e $(PYTEST_ARGS)

test-stack: ## Both of these side by side: each waits a lot
	@$(PYTHON) -m ops.images build
	@$(PYTHON) -m pytest -m "integration or e2e" $(STACK_TESTS) $(SIDE_BY_SIDE) 2 --verbose $(PYTEST_ARGS)

##@ Operate
.PHONY: password preview images dags samples spark-advice quality bench bench-spark
password: ## Show the password of Airflow's page in ENV
	@$(PYTHON) -m ops.password --env $(ENV)

preview: ## What `pulumi up` would change in ENV
	@$(PYTHON) -m ops.preview --env $(ENV)

images: ## Build every image that changed, push it, pin it by digest
	@$(PYTHON) -m ops.images --env $(ENV)

image/%: ## Build one image: make image/asr
	@$(PYTHON) -m ops.images --env $(ENV) $*

dags: ## Push dags/, with libraries and image digests, to the DAG repository of ENV
	@$(PYTHON) -m ops.dags --env $(ENV)

samples: ## Make CALLS sample calls in .build/samples
	@$(PYTHON) -m samples generate --count $(CALLS) --format all --out .build/samples

spark-advice: ## Compare the sizes that TASK of DAG has run with in ENV (DEADLINE= UNIT= TEAM= if wanted)
	@$(PYTHON) -m ops.spark_advice --env $(ENV) --dag "$(DAG)" --task "$(TASK)" --deadline $(or $(DEADLINE),0) \
		--unit "$(UNIT)" --team "$(TEAM)"

quality: ## Measure word error rate, diarization and redaction on generated calls
	@$(PYTHON) -m ops.quality

bench-spark: ENV := bench
bench-spark: ## Measure Spark on `make up ENV=bench` (NAMES="launch slope": some of it)
	@$(PYTHON) -m ops.bench.spark --env $(ENV) $(NAMES)

bench: ## Measure speed and size against floors taken in the same run; with ENV=bench, Spark too (two hours)
	@$(PYTHON) -m ops.bench --env $(ENV)
	@$(if $(filter bench,$(ENV)),$(PYTHON) -m ops.bench.spark --env $(ENV))
