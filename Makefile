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

.PHONY: games
games: ## the exact figures of every game against the declared ones: every hand, stop and deal
	@$(RUN) python -m casino games figures

.PHONY: manifest
manifest: ## sign what may decide outcomes, for a release: make manifest KEY=games.pem MANIFEST=manifest.json
	@test -n "$(KEY)" -a -n "$(MANIFEST)" || { echo "name the key and the file: make manifest KEY=games.pem MANIFEST=manifest.json" >&2; exit 2; }
	@$(RUN) python -m casino games manifest --key "$(KEY)" --output "$(MANIFEST)"

.PHONY: install
install: ## CRD and operator into the cluster of KUBECONFIG: make install OPERATOR_IMAGE=... CASINO_IMAGE=... [BACKUP_IMAGE=...] [ENVIRONMENT=folder] [GAMES_MANIFEST=file]
	@$(RUN) domicile install --operator-image "$(OPERATOR_IMAGE)" --casino-image "$(CASINO_IMAGE)" \
		$(if $(BACKUP_IMAGE),--backup-image "$(BACKUP_IMAGE)") \
		$(if $(ENVIRONMENT),--environment "$(ENVIRONMENT)") $(if $(GAMES_MANIFEST),--games-manifest "$(GAMES_MANIFEST)")

.PHONY: generate
generate: ## write what follows from the catalogue and the CRD: policies, schemas, pages, the map
	@$(RUN) domicile generate

.PHONY: controls
controls: ## verify every control, with its code and without; writes docs/controls/verdicts.json
	@$(RUN) domicile controls --verify --write

.PHONY: cloud cloud-node cloud-down
cloud: ## the lab's cloud: moto behind an endpoint that enforces the organisation's policies
	@$(RUN) domicile-lab cloud up
cloud-node: ## a real node behind the cloud's EKS clusters that are built from then on; needs `make up`
	@$(RUN) domicile-lab cloud node
cloud-down: ## end the lab's cloud, with all that was built in it
	@$(RUN) domicile-lab cloud down

.PHONY: test test-unit test-lab test-cloud lint soak bench bench-large bench-fleet
test: ## everything: lint, unit tests, a real API server, the cloud with the real engine, end to end on the lab
	@$(RUN) python tests/run.py all
lint: ## format, lint, types, import contracts
	@$(RUN) python tests/run.py lint
test-unit: ## unit tests of every package, and the casino on real stores: minutes, no lab
	@$(RUN) python tests/run.py unit casino
test-lab: ## the operator on a real API server, and end to end on the lab, which is brought up if it is down
	@$(RUN) python tests/run.py apiserver lab
test-cloud: ## the Pulumi program with the real engine on the lab's cloud, and the audit of what it built
	@$(RUN) python tests/run.py cloud
soak: ## every drill with its full count of faults; writes docs/soak/latest.json (SEED=n)
	@$(RUN) python -m tests.soak $(if $(SEED),--seed $(SEED))
bench: ## measure: pgbench, ledger, HTTP, real time, apply to first bet; PROFILE=1 says what takes the time
	@$(RUN) python -m tests.bench $(if $(PROFILE),--profile)
bench-fleet: ## what a thousand tenants cost the operator, on a cell of its own (TENANTS=n; --json and more: python -m tests.bench.fleet)
	@$(RUN) python -m tests.bench.fleet $(if $(TENANTS),--tenants $(TENANTS))
bench-large: ## a ledger of 50 million entries against an empty one; half an hour, 20 GB, removed after
	@$(RUN) python -m tests.bench.large
