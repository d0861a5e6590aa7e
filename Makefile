# krobench: `make demo` runs a first benchmark, `make test` runs all tests, `make down` removes everything.
#
# PROVIDER chooses the cluster: testbed (a real Kubernetes on this machine, without Docker),
# kind (needs Docker and kind) or existing (the current kubeconfig). By default it is kind if Docker
# is running, else testbed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTBED = $(BIN)/python -m testbed
LOCK = $(BIN)/uv pip compile -q --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11
CODE := operator/krobench testbed tests bench scripts
CALCULATE := tests/unit/analysis tests/unit/bench tests/unit/controller tests/unit/docs
# All pods of the test bed weigh as much as one process, and the tests on it take longest of all.
YIELDING := nice -n 10

.DEFAULT_GOAL := help
.PHONY: ab help demo test unit unit-analysis unit-others unit-emulated fuzz browser-test cluster-test rgds cluster-untimed cluster-timed bench-load bench-memory bench-neighbours bench-operator bench-admitted bench-kept bench-overhead bench-pace bench-track bench-limits bench-pairs bench-history bench-monitoring faults matrix calibrate lint format crds docs dashboards lock reproducible up deploy down status kubeconfig clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(VENV)/ready ## Create a cluster with kro and krobench, run a benchmark and print its report
	scripts/demo.sh

test: $(VENV)/ready ## Run all checks and tests, including those on a real cluster
	@# A cluster mostly waits: as it starts, and for what is deleted. Only measurements need a machine of their own.
	@began=$$(date -u +%Y-%m-%dT%H:%M:%S+00:00) && \
	$(MAKE) --no-print-directory --jobs=4 lint unit browser-test cluster-untimed && \
	KROBENCH_TESTS_BEGAN=$$began $(MAKE) --no-print-directory cluster-timed
	@echo "All tests passed. 'make down' removes the cluster."

unit: $(VENV)/ready ## Run the tests that need no cluster (about 3 minutes)
	@# Two parts that calculate about as long; those with an emulated API mostly wait.
	@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,--jobs=3) --output-sync=target unit-analysis unit-others unit-emulated

# Bytecode is kept, out of the source tree, also if the environment asks for none: half a minute of CPU.
unit-analysis unit-others unit-emulated: export PYTHONPYCACHEPREFIX = $(CURDIR)/$(VENV)/bytecode
unit-analysis unit-others unit-emulated: export PYTHONDONTWRITEBYTECODE =

unit-analysis:
	$(YIELDING) $(BIN)/python -m pytest -q $(CALCULATE)

unit-others:
	$(YIELDING) $(BIN)/python -m pytest -q tests/unit $(CALCULATE:%=--ignore=%)

unit-emulated:
	$(BIN)/python -m pytest -q tests/emulated

fuzz: $(VENV)/ready ## Run the tests that draw examples with up to twenty times as many (about 40 minutes)
	KROBENCH_THOROUGH=yes $(BIN)/python -m pytest -q $$(grep -rlE 'at_least\(|@given\(' tests/unit tests/emulated)

browser-test: $(VENV)/ready ## Run the tests of the page in Chromium, which is installed if apt can (about a minute)
	@$(BIN)/python -m scripts.browser
	$(BIN)/python -m pytest -q tests/browser

cluster-test: $(VENV)/ready ## Run the tests on a real cluster (about 35 minutes, and 9 more for the first build)
	$(BIN)/python -m pytest tests/cluster

cluster-untimed: $(VENV)/ready
	$(BIN)/python -m pytest -q tests/cluster -m untimed

cluster-timed: $(VENV)/ready
	$(BIN)/python -m pytest tests/cluster -m "not untimed"

rgds: $(VENV)/ready ## Try RGDs over the whole language of kro on the cluster (COUNT=300, about 12 minutes; SEED=0)
	KROBENCH_RGDS=$(or $(COUNT),300) KROBENCH_RGDS_SEED=$(or $(SEED),0) $(BIN)/python -m pytest -q -rP tests/cluster/test_rgds.py

bench-load: up ## Compare the load generator with others (KUBE_BURNER=PATH adds kube-burner)
	$(BIN)/python -m bench.load

bench-pace: up ## Measure how late requests are sent at half of the capacity
	$(BIN)/python -m bench.pace

bench-memory: $(VENV)/ready ## Measure the memory that a load Job needs for each instance (seconds, no cluster)
	$(BIN)/python -m bench.memory

bench-track: deploy ## Measure memory and CPU of a load Job that tracks 10,000 instances (about 15 minutes)
	$(BIN)/python -m bench.track

bench-neighbours: deploy ## Measure what other people's CRDs and ConfigMaps cost a load Job in memory (8 minutes)
	$(BIN)/python -m bench.neighbours

bench-operator: deploy ## Measure what the operator costs the API server, and its memory with 1,000 runs (10 minutes)
	$(BIN)/python -m bench.operator

bench-admitted: $(VENV)/ready ## Measure what 500 objects that make no sense cost the operator (about 3 minutes, no cluster)
	PYTHONPATH=tests $(BIN)/python -m bench.admitted

bench-kept: $(VENV)/ready ## Measure what 1,000 finished runs cost the operator in memory (a minute, no cluster)
	PYTHONPATH=tests $(BIN)/python -m bench.kept

bench-overhead: deploy ## Measure what sampling costs kro, by alternating runs with and without it (20 minutes)
	$(BIN)/python -m bench.overhead

bench-limits: deploy ## Run a scale test five times and check that all limits are within 10% of their median (20 minutes)
	$(BIN)/python -m bench.limits

bench-pairs: $(VENV)/ready ## Simulate how often comparisons of several scale tests are right (about 3 minutes, no cluster)
	$(BIN)/python -m bench.pairs

bench-history: $(VENV)/ready ## Time a history of 300 runs in a local S3 server (about 40 seconds, no cluster)
	PYTHONPATH=tests $(BIN)/python -m bench.history

bench-monitoring: deploy ## Ask a real Prometheus every query of the dashboards while benchmarks run, and draw their previews (6 minutes)
	$(BIN)/python -m bench.monitoring
	$(BIN)/python -m bench.previews

ab: deploy ## Compare two kros: OLD=0.9.4 NEW=../kro, each a version, a source tree, TREE@REVISION or an image (about 25 minutes)
	@scripts/ab.sh

faults: deploy ## Kill, stop and starve what runs depend on, and check what they lose (about 2 hours; resumes where it stopped)
	$(BIN)/python -m bench.faults

matrix: $(VENV)/ready ## Run a short benchmark on several versions of Kubernetes and kro (an hour the first time; resumes)
	$(BIN)/python -m bench.matrix --write

calibrate: deploy ## Measure how often comparisons are wrong (hours; resumes where it stopped)
	$(BIN)/python -m bench.decisions --write
	$(BIN)/python -m bench.calibrate --write

lint: $(VENV)/ready ## Check style, types and import rules
	$(YIELDING) $(BIN)/ruff check $(CODE)
	$(YIELDING) $(BIN)/ruff format --check $(CODE)
	$(YIELDING) $(BIN)/mypy $(CODE)
	$(YIELDING) $(BIN)/lint-imports

format: $(VENV)/ready ## Format the code
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

crds: $(VENV)/ready ## Generate the CRDs from the models
	$(BIN)/krobench crds crds helm/krobench/files/crds

docs: $(VENV)/ready ## Generate the reference pages, and build the site of the documentation into build/site
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.site

dashboards: $(VENV)/ready ## Generate the Grafana dashboards
	$(BIN)/python -m scripts.dashboards

lock: $(VENV)/ready ## Pin the newest versions of all dependencies, with their hashes
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --group dev pyproject.toml -o requirements-dev.lock
	$(LOCK) --group build -o requirements-build.lock

up: $(VENV)/ready ## Start the cluster and install kro (under a minute; about 9 minutes for the first build)
	$(TESTBED) up

reproducible: $(VENV)/ready ## Build the image twice from nothing and compare the digests (about 5 minutes)
	$(BIN)/python -m scripts.reproducible

deploy: up ## Start the cluster and install krobench from this source tree
	scripts/deploy.sh

down: ## Stop everything that was started and remove its data
	$(PYTHON) -m testbed down

status: ## Show what is running
	@$(PYTHON) -m testbed status

kubeconfig: ## Print the path of the kubeconfig
	@$(PYTHON) -m testbed kubeconfig

clean: down ## Remove the Python environment too
	rm -rf $(VENV) dist

$(VENV)/ready: requirements.lock requirements-dev.lock pyproject.toml
	@echo "==> setting up the Python environment in $(VENV) (about 1 minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "krobench needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: install the package python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.lock -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@
