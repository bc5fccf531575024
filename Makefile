# How to run, test and check Fusebox; `make` lists it.
#
# CMakePresets.json has the builds. Its environment (for ccache) holds for whatever names a preset.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help run graph build test soak replay check bench demo format stubs clean

release := build/release
jobs := $(shell nproc)
build := cmake --build --preset release --parallel $(jobs)

help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Whoever only runs it needs no test library, and changes no file: so many are compiled as one, which
# takes a third of the time. Whoever tests keeps the tests configured.
run_only := -DBUILD_TESTING=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
run: ## Builds the server and runs it: make run ARGS="--help"
	@.ci/install build
	@cmake --preset release $(if $(wildcard $(release)/CMakeCache.txt),,$(run_only)) >/dev/null
	@$(build) --target fusebox fuseboxctl
	@echo 'Next, in another terminal: $(release)/client/cli/fuseboxctl allow db/orders'
	@exec $(release)/server/fusebox $(ARGS)

graph: ## Runs a Prometheus that scrapes the server of `make run`, and says where its graphs are
	@.ci/install graph
	@exec deploy/prometheus/run $(ARGS)

# Where no file is changed, as in CI, many are compiled as one here, too.
build: ## Builds everything, tests included, into build/release
	@.ci/install test
	@cmake --preset release -DBUILD_TESTING=ON -DCMAKE_UNITY_BUILD=$(if $(CI),ON,OFF) -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
	@$(build)

stubs: ## Generates the stubs for Python, Go, Node and Java into build/stubs
	@.ci/install test
	@.ci/stubs

test: build stubs ## Builds everything and runs all tests
	@ctest --preset release --parallel $(jobs)

soak: build stubs ## Kills a server 1,000 times and cuts its power 2,000 times; tests do it less often
	@FUSEBOX_KILLS=1000 FUSEBOX_KEPT_S=0.1 FUSEBOX_POWER_CUTS=2000 ctest --preset release --output-on-failure \
	  --tests-regex '^(e2e_kill|power_cut|kept_after_power_cut)$$'

replay: ## Runs the Dockerfile's steps and its image in a root of their own, without Docker; takes root
	@exec tests/deploy/container/replay

check: ## Runs the linters and the sanitizers: make check CHECKS="format words"
	@.ci/check $(CHECKS)

bench: build ## Measures, and says how
	@$(build) --target benches
	@exec tests/bench/run $(ARGS)

demo: build stubs ## Shows a breaker trip and recover, and a chain of fallbacks
	@exec deploy/demo/run $(ARGS)

format: ## Formats C++ and shell
	@.ci/install check
	@. .ci/lib/files.sh && cpp_files | xargs -0 -r clang-format-14 -i && shell_files | xargs -0 -r shfmt -w

clean: ## Removes what was built, but not what was installed into .tools
	@rm -rf build
