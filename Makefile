# Thin: each target names a script of tools/ or a CMake preset (CMakePresets.json).
# `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test bench bench-quick bench-guard soak lint format docs install clean

PREFIX ?= /usr/local
PRESET ?= release

help:  ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## serve a real documentation tree and harvest it (ARGS="URL..." harvests those instead)
	@tools/bootstrap
	@tools/build release harvest
	@tools/run $(ARGS)

test:  ## every test: release, asan, tsan, tidy, examples, install
	@tools/bootstrap
	@tools/test

bench:  ## build and run all benchmarks, write the results in bench/ (20 minutes)
	@tools/bootstrap
	@tools/bench
	@tools/bench_net --write
	@tools/bench --growth

bench-quick:  ## a first look at the benchmarks in three minutes; nothing is written
	@tools/bootstrap
	@tools/bench --quick
	@tools/bench_net --quick

soak:  ## ten minutes with 10,000 connections (ARGS="SECONDS CONNECTIONS")
	@tools/bootstrap
	@tools/build release soak
	@build/release/bin/soak $(or $(ARGS),600 10000)

bench-guard:  ## fail where a row takes 5% more instructions than bench/instructions.toml says
	@tools/bootstrap
	@tools/bench --guard

lint:  ## clang-format, clang-tidy (FILES="..." or what differs from HEAD; ALL=1 for all) and tidy
	@tools/lint $(if $(ALL),--all) $(FILES)

format:  ## rewrite the sources as clang-format wants them
	@tools/lint --format $(FILES)

docs:  ## check links, snippets and the parity table of the documentation
	@tools/tidy --only docs

install:  ## build and install to PREFIX (default /usr/local)
	@tools/build $(PRESET)
	@cmake --install build/$(PRESET) --prefix $(PREFIX)

clean:  ## remove everything that was built
	@rm -rf build
