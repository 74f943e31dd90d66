# Everything one needs, one target each; `make` alone lists them.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3 || command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
BIN := .venv/bin
LOCAL := $(BIN)/python -m local
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml)) gateway sandbox deploy/local
SOURCES := $(wildcard libs/*/src services/*/src) gateway/src sandbox/src deploy/local/src
TESTS := $(wildcard libs/*/tests services/*/tests) gateway/tests sandbox/tests deploy/local/tests tests conftest.py

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "\033[36m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: ## Make the virtual environment from the lock (the other targets do it by themselves)
	@$(PYTHON) -I deploy/local/install.py

.PHONY: run
run: install ## Run the whole platform in the foreground; Ctrl-C stops it
	@exec $(LOCAL) run

.PHONY: up
up: install ## Run the whole platform in the background; returns when it is ready
	@$(LOCAL) up

.PHONY: down
down: install ## Stop what runs in the background, and the servers started for it
	@$(LOCAL) down

.PHONY: status
status: install ## Show what runs and where; fails when something is down
	@$(LOCAL) status

.PHONY: logs
logs: install ## Show the logs and follow them [NAME=auth]
	@exec $(LOCAL) logs $(NAME)

.PHONY: clock
clock: install ## Show the platform's time, or move it [FORWARD=1h] [RESET=1]
	@$(LOCAL) clock $(if $(FORWARD),--forward $(FORWARD)) $(if $(RESET),--reset)

.PHONY: demo
demo: install ## Walk through the platform as a client and write build/demo.json
	@$(LOCAL) demo

.PHONY: test
test: install ## Run all tests against real PostgreSQL, Redis and RabbitMQ [ARGS="-k outbox"]
	@$(LOCAL) test -- -n 3 $(ARGS)

.PHONY: golden
golden: install ## What is written, by the golden set; with GENERATION_OPENAI_API_KEY set by OpenAI, for some cents
	@$(LOCAL) test -- -q -n 1 services/generation/tests/test_golden.py $(ARGS)

.PHONY: check
check: install ## Check format, lint, types, imports and deployment files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(SOURCES) $(TESTS) benchmarks
	@$(BIN)/lint-imports
	@$(BIN)/pytest deploy/local/tests/test_deployment_files.py -q

.PHONY: format
format: install ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

.PHONY: lock
lock: install ## Lock the newest allowed versions with their hashes
	@$(BIN)/uv pip compile pyproject.toml --group dev $(addsuffix /pyproject.toml,$(MEMBERS)) \
		--generate-hashes --no-annotate --no-header --python-version 3.11 --universal --upgrade \
		$(foreach member,$(MEMBERS),--no-emit-package rostrum-$(notdir $(member))) \
		--output-file requirements.lock

.PHONY: docs
docs: install ## Write the references of events, of data and of platform limits again
	@$(BIN)/python -m contracts docs
	@$(BIN)/python -m kit.privacy
	@$(BIN)/python -m postrules

.PHONY: schemas
schemas: install ## Write each service's schema.sql again from its migrations
	@$(BIN)/python -m kit.testing.schemas $(notdir $(wildcard services/*))

.PHONY: migrate-check
migrate-check: install ## Apply all migrations to an empty database and compare with each schema.sql
	@$(LOCAL) test -- -q -k "migration or schema"

.PHONY: dead-letters
dead-letters: install ## List the messages that could not be handled, of every service
	@$(LOCAL) dead-letters

.PHONY: bench
bench: install ## Measure beside peers and limits, under six minutes [NAMES="bus gateway"]
	@$(BIN)/python -m benchmarks $(NAMES)

.PHONY: bench-full
bench-full: install ## The same with big data sets, and how exactly lanes keep their pace [NAMES=...]
	@$(BIN)/python -m benchmarks full $(NAMES)

.PHONY: litellm
litellm: install ## Run generation against LiteLLM's proxy, which is installed into a temporary folder
	@$(BIN)/python -m benchmarks.litellm

.PHONY: monthly-cost
monthly-cost: install ## What generation costs in a month at 1,000 daily users, from measured tokens
	@$(BIN)/python -m benchmarks.monthly_cost

.PHONY: orders
orders: install ## 100,000 webhooks doubled and shuffled past dying workers: is all shown as if in order?
	@$(BIN)/python -m benchmarks.orders

.PHONY: broadcast-chaos
broadcast-chaos: install ## A broadcast to 50,000 while everything fails: nobody twice, nobody forgotten? [RECIPIENTS=1000]
	@$(BIN)/python -m benchmarks.broadcast_chaos $(RECIPIENTS)

.PHONY: chaos
chaos: install ## Shoot at a platform of its own, compare all books afterwards [SECONDS=60] [SEED=7]
	@exec $(LOCAL) chaos $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

.PHONY: clean-data
clean-data: install ## Delete the database, queues, keys and servers made here, and nothing else
	@$(LOCAL) clean-data
