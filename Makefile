# Everything this project does starts here; `make` shows what there is.
.NOTPARALLEL:
.DEFAULT_GOAL := help
SHELL := bash
BIN := .venv/bin
# PYTHON=/path/to/python3.12  another Python for .venv
# RECORDING=FILE SPEED=60     make demo: play a recording instead of the virtual plant
# JOBS=2                     make test, make molecule: so many at a time
export PYTHON
JOBS ?= 2

.PHONY: help setup demo lab lab-down test molecule inventory lint docs bench clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' Makefile | expand -t 20

setup: .venv/ready ## Make .venv with every tool, as uv.lock says

.venv/ready: uv.lock pyproject.toml $(wildcard */pyproject.toml) scripts/setup
	@scripts/setup
	@touch $@

# Ansible and what checks it: a minute and 300 MB, so not for those who only want the demo.
.venv/deploy-ready: .venv/ready
	@scripts/setup --deploy
	@touch $@

demo: setup ## Run the lab with simulated instruments [RECORDING=FILE] [SPEED=60]
	@$(BIN)/soclab demo $(if $(RECORDING),--recording '$(RECORDING)') $(if $(SPEED),--speed $(SPEED))

lab: ## Boot the virtual lab, two systemd hosts made by Ansible; prints its URLs [root, Linux]
	@scripts/nspawn-hosts check
	@$(MAKE) --no-print-directory .venv/deploy-ready
	@scripts/lab up

lab-down: ## Remove the virtual lab: hosts, data and secrets
	@scripts/lab down

test: lint ## Run every check and test that this machine can
	@scripts/prepare-tests
	@$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

molecule: .venv/deploy-ready ## Test every role on systemd hosts of its own [root, Linux] [ROLES=]
	@scripts/molecule -j $(JOBS) $(ROLES)

inventory: .venv/deploy-ready ## Describe a lab of your own in inventories/NAME [NAME=mylab] [FLAGS=]
	@$(BIN)/soclab inventory create $(NAME) $(FLAGS)

lint: .venv/deploy-ready ## Check style, types, architecture, secrets and generated docs
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	@scripts/scan-secrets
	@$(BIN)/python scripts/generate_docs.py --check
	@$(BIN)/python scripts/generate_grafana.py --check
	@scripts/lint-ansible

docs: setup ## Generate reference pages, READMEs of roles, the example inventory and what Grafana shows
	@$(BIN)/python scripts/generate_docs.py
	@$(BIN)/python scripts/generate_grafana.py

bench: setup ## Measure every figure beside its goal (about ten minutes)
	@$(BIN)/python -m benchmarks.run

clean: ## Remove .venv and what tools left in this folder (not the cache, not the demo's state)
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
