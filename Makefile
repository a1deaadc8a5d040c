# SPDX-License-Identifier: Apache-2.0
# make run     build, and serve the demo on http://localhost:8080
# make test    everything, installing what it needs
# make bench   figures of this machine, also in bench/results.json
# make lint    formatting, imports, repository rules

SWIFT_FLAGS := --explicit-target-dependency-import-check error
OUT ?= .build/test-output

# Suites that measure time, or start servers: one after the other, with nothing beside them.
QUIET := WeirSystemTests|SQLiteDriverTests|ConnectionPoolModuleTests|WeirLiveTests

.PHONY: run test bench lint build

run:
	@scripts/setup run
	@echo "building; the first time this takes some minutes"
	swift build -c release --product weir
	.build/release/weir serve --demo

build:
	@scripts/setup run
	swift build $(SWIFT_FLAGS) --build-tests

test:
	@scripts/setup test
	swift build $(SWIFT_FLAGS) --build-tests
	swift test --skip-build --skip '$(QUIET)'
	swift test --skip-build --no-parallel --filter '$(QUIET)'
	$$(scripts/python) Tests/Browser/board_test.py --weir .build/debug/weir --chromium /usr/bin/chromium --out $(OUT)/browser

bench:
	@scripts/setup bench
	swift build -c release --product weir
	@mkdir -p .build/bench
	python3 bench/webhook_bench.py --weir .build/release/weir --directory .build/bench

lint:
	swift format lint --strict --recursive Package.swift Sources Tests
	@scripts/check-repository
