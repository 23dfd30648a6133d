# `make help` lists what there is. Everything is installed by the targets themselves.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
UV := lab/bin/with-uv
RUN := $(UV) run --quiet --frozen

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up down clean status logs tools
up: ## bring the whole lab up: machines, cluster, stores, operator, two casinos
	@$(RUN) domicile-lab up
down: ## stop the lab and restore the host; its state is kept
	@$(RUN) domicile-lab down
clean: ## stop the lab and delete its state
	@$(RUN) domicile-lab clean
status: ## what runs and where it answers
	@$(RUN) domicile-lab status
logs: ## a tenant's logs: make logs TENANT=acme-gb
	@$(RUN) domicile-lab logs $(TENANT)
tools: ## build the pinned Go programs into the cache
	@$(RUN) domicile-lab tools

.PHONY: dev
dev: ## the casino alone, with hot reload, on an embedded PostgreSQL
	@$(RUN) python -m casino dev

.PHONY: install
install: ## CRD and operator into the cluster of KUBECONFIG: make install OPERATOR_IMAGE=... CASINO_IMAGE=...
	@$(RUN) domicile install --operator-image "$(OPERATOR_IMAGE)" --casino-image "$(CASINO_IMAGE)"

.PHONY: test test-unit test-lab lint bench soak
test: lint test-unit test-lab ## everything: lint, unit tests, and the end-to-end tests on the lab
lint: ## format, lint, types, import contracts
	@tests/run lint
test-unit: ## unit tests of every package: seconds, no lab
	@tests/run unit
test-lab: ## end-to-end tests on the lab, which is brought up if it is down
	@tests/run lab
