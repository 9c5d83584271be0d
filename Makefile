# Everything sets itself up: all that is needed is Python 3.10 or newer, git and make.
#
#   make demo     see Insightly data in a warehouse
#   make test     run all tests
#   make fleet    see many accounts at once, on Dagster
#
# PYTHON=python3.13 chooses an interpreter, RECORDS=20000 how many contacts the demo has.

SHELL := bash
PYTHON ?= python3
RECORDS ?= 1000
ACCOUNTS ?= 20
# A private uv, pinned, which installs everything else. Nothing outside this folder is changed.
UV := .tools/bin/uv --quiet
RUN := .venv/bin/
# Airflow, and what the files for other schedulers are checked with.
SCHEDULERS := airflow check-jsonschema kubernetes-validate
# What the tests load data with, and into.
DESTINATIONS := dbt-warehouses moto postgres target-csv target-duckdb target-jsonl target-postgres
PACKAGE := pyproject.toml $(shell git ls-files tap_insightly 2>/dev/null | grep -v '\.py$$')
unexport VIRTUAL_ENV
export UV_NO_CONFIG := 1

.DEFAULT_GOAL := help
.PHONY: help demo fleet test test-fast test-next lint format bench snapshot docs site lock build clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/ready .tools/meltano/ready .tools/dbt/ready ## see Insightly data in a warehouse, with models on top
	@$(RUN)python -m demo.run --records $(RECORDS)

fleet: .tools/dagster/ready .tools/postgres/ready .tools/target-postgres/ready ## see many accounts at once, on Dagster (ACCOUNTS=20)
	@.tools/dagster/bin/python -m demo.fleet --accounts $(ACCOUNTS)

# All tests of a file in one process: they share a sandbox, and those of the demo what Meltano installs.
# Most of them wait for other processes, so there are four at once even on two cores. What takes long
# comes first (tests/conftest.py), so pytest-xdist must not put the files into an order of its own.
test: .venv/ready .tools/redis/ready .tools/meltano/ready .tools/dbt/ready .tools/dagster/ready $(patsubst %,.tools/%/ready,$(DESTINATIONS) $(SCHEDULERS)) ## run all tests
	@$(RUN)python -m pytest -n 4 --dist loadfile --no-loadscope-reorder
	@.tools/dagster/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder tests/orchestration

test-fast: .venv/ready .tools/target-jsonl/ready ## run the tests that need no minutes
	@$(RUN)python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not slow"

# What the next version of the SDK can break: settings, messages, stream maps and batches of the tap,
# records and states of the target.
NEXT := tests/test_sdk.py tests/test_output.py tests/test_options.py \
  tests/test_tombstones.py tests/test_settings.py tests/loader/test_loading.py tests/loader/test_settings.py
test-next: .tools/next/ready ## run a choice of the tests with the next version of the SDK
	@.tools/next/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(NEXT)

lint: .venv/ready .tools/dagster/ready ## check style, types and dependencies
	@$(RUN)ruff check
	@$(RUN)ruff format --check
	@$(RUN)mypy
	@$(RUN)mypy --config-file orchestration/pyproject.toml --python-executable .tools/dagster/bin/python
	@$(RUN)deptry .

format: .venv/ready ## put the code into shape
	@$(RUN)ruff check --fix
	@$(RUN)ruff format

bench: .venv/ready .tools/dlt/ready .tools/postgres/ready .tools/target-duckdb/ready .tools/target-postgres/ready ## measure what the tap promises (ARGS=--help)
	@$(RUN)python -m benchmarks $(ARGS)

snapshot: .venv/ready ## accept changes of the catalog
	@$(RUN)python -m pytest tests/test_catalog.py --snapshot-update

docs: .venv/ready ## bring what is generated up to date: tables, pictures, plugin definitions
	@$(RUN)python -m docs.tables
	@$(RUN)python -m docs.plugins
	@$(RUN)python -m docs.erd
	@$(RUN)python -m docs.flow

# Strict: a link that leads nowhere, or a docstring that cannot be read, fails. Needs no network.
site: .tools/site/ready ## build the documents as a site, in the folder site/
	@.tools/site/bin/python -m sphinx --builder html --fresh-env --fail-on-warning --quiet \
	  --jobs auto --doctree-dir .tools/site/doctrees docs site
	@echo "Open site/index.html"

build: .venv/ready ## build wheel and source distribution
	@$(UV) build --out-dir dist

# What the tests run with, besides what the tap itself needs.
EXTRAS := $(addprefix --extra ,progress sandbox server arrow dlt mcp otel)
lock: .tools/bin/uv ## pin all dependencies anew
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml $(EXTRAS) --group dev -o requirements/dev.txt
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml requirements/next.in \
	  $(EXTRAS) --group test -o requirements/next.txt
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml --extra server -o requirements/server.txt
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml --extra otel -o requirements/sync.txt
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml requirements/dagster.in --extra sandbox --extra postgres \
	  -o requirements/dagster.txt
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	  --python-version 3.10 pyproject.toml requirements/dlt.in --extra dlt -o requirements/dlt.txt
	@for name in dbt meltano sandbox site uv $(DESTINATIONS) $(SCHEDULERS); do \
	  $(UV) pip compile --universal --generate-hashes --no-emit-index-url --upgrade \
	    --python-version 3.10 requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove all that was made here
	rm -rf .tools .venv .demo .meltano dist site transform/target transform/logs
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.tools/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed; choose one with: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up the installer (.tools)"
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# An environment with what is installed from here, too: how it is called, and that.
define install_with_tap
echo "Installing $(1) ($(@D))"; [ -x $(@D)/bin/python ] || $(UV) venv --python $(PYTHON) $(@D)
$(UV) pip sync --python $(@D)/bin/python --require-hashes $<
$(UV) pip install --python $(@D)/bin/python --no-deps $(2)
touch $@
endef

.venv/ready: requirements/dev.txt $(PACKAGE) | .tools/bin/uv
	@$(call install_with_tap,the tap and what its tests need,--editable .)

.tools/next/ready: requirements/next.txt $(PACKAGE) | .tools/bin/uv
	@$(call install_with_tap,the tap and the next version of the SDK,--editable .)

.tools/dagster/ready: requirements/dagster.txt $(PACKAGE) orchestration/pyproject.toml | .tools/bin/uv
	@$(call install_with_tap,the tap and insightly-dagster,--editable . --editable orchestration)

# The tap, dlt, and what it loads into DuckDB and Postgres with.
.tools/dlt/ready: requirements/dlt.txt $(PACKAGE) | .tools/bin/uv
	@$(call install_with_tap,the tap and dlt,--editable .)

# What several gateways share their pace by: the redis-server that is here, else Debian's, which is
# unpacked and not installed. Without one, its tests are skipped.
REDIS := redis-server redis-tools liblzf1 libjemalloc2 libatomic1
.tools/redis/ready: | .tools/bin/uv
	@echo "Getting a redis-server (.tools/redis)"
	@rm -rf .tools/redis && mkdir -p .tools/redis/debian
	@cd .tools/redis && if command -v redis-server > /dev/null; then \
	  ln -s "$$(command -v redis-server)" redis-server; \
	elif cd debian && { apt-get download -qq $(REDIS) || \
	    { apt-get update -qq && apt-get download -qq $(REDIS); }; } 2> ../apt.log; then \
	  for package in *.deb; do dpkg -x "$$package" . || exit 1; done; \
	  printf '%s\n' '#!/bin/sh' 'here=$$(dirname "$$(readlink -f "$$0")")/debian/usr' \
	    'LD_LIBRARY_PATH=$$(echo "$$here"/lib/*-linux-gnu*) exec "$$here/bin/redis-server" "$$@"' \
	    > ../redis-server; \
	  chmod +x ../redis-server; \
	else echo "There is no redis-server, and Debian's cannot be had (.tools/redis/apt.log)."; fi
	@touch $@

# Programs of others, each in an environment of its own: their pins do not agree.
.tools/%/ready: requirements/%.txt | .tools/bin/uv
	@echo "Installing $* (.tools/$*)"
	@[ -x .tools/$*/bin/python ] || $(UV) venv --python $(PYTHON) .tools/$*
	@$(UV) pip sync --python .tools/$*/bin/python --require-hashes $<
	@touch $@
