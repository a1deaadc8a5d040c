# SPDX-License-Identifier: Apache-2.0
# make run     build, and serve the demo on http://localhost:8080
# make test    everything, installing what it needs
# make bench   figures of this machine, also in bench/results.json
# make lint    formatting, imports, repository rules
# make docs    the pages of the library products, in .build/documentation
# make soak    ThreadSanitizer, locks and kills under load, hours of mixed load, and the long variants of the suites; MINUTES=240 is the load's length

SWIFT_FLAGS := --explicit-target-dependency-import-check error
OUT ?= .build/test-output
MINUTES ?= 240

# Suites that measure time, or start servers: one after the other, with nothing beside them.
QUIET := WeirSystemTests|SQLiteDriverTests|ConnectionPoolModuleTests|WeirLiveTests|IngestPowerCutTests

.PHONY: run test bench lint build docs soak

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
	@scripts/run-tests --skip '$(QUIET)'
	@scripts/run-tests --no-parallel --filter '$(QUIET)'
	@scripts/check-external-package
	$$(scripts/python) Tests/Browser/board_test.py --weir .build/debug/weir --chromium /usr/bin/chromium --out $(OUT)/browser

# WEIR_BENCH adds GRDB and the benchmark to the package. That build has a directory of its own: in the usual one each
# change between the two manifests would drop GRDB's checkout and build it again, which takes minutes.
# make bench SQLITE_BENCH="--quick --filter 'point read'" measures less.
bench:
	@scripts/setup bench
	@mkdir -p .build/bench
	swift build -c release --product weir
	python3 bench/webhook_bench.py --weir .build/release/weir --directory .build/bench
	WEIR_BENCH=1 swift build -c release --product sqlite-bench --scratch-path .build/bench-build
	python3 bench/sqlite_bench.py --bench .build/bench-build/release/sqlite-bench --directory .build/bench $(SQLITE_BENCH)
	python3 bench/load_bench.py steady reorder slow_disk overload --weir .build/release/weir --directory .build/bench

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks
	@scripts/check-repository

docs:
	@scripts/setup run
	@scripts/build-documentation

soak:
	@scripts/setup run
	@scripts/thread-sanitizer
	swift build -c release --product weir
	@mkdir -p .build/soak
	python3 bench/load_bench.py lockout kill --weir .build/release/weir --directory .build/soak --capacity 5000 --results .build/soak/results.json
	@scripts/soak $(MINUTES)
