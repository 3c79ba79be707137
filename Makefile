# Everything a person types in this repository. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
MAKEFLAGS += --no-print-directory
PORT ?= 8443
export PORT

.PHONY: help demo demo-up demo-down build test lint unit end-to-end sanitize bench clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*  ## (.*)/  make \1\t\2/p' Makefile | expand -t 20

demo: build  ## start everything here, sign people in, show how it went, stay until Ctrl-C  (PORT=8443)
	@exec Scripts/demo

demo-up: build  ## the same in the background; settings in .demo/env
	@Scripts/demo up

demo-down:  ## stop it and leave nothing behind
	@Scripts/demo down

build:  ## the three programs (debug) and the host modules
	@Scripts/install-packages build lab desktops
	Scripts/build

test:  ## everything: lint, floor plan, unit tests, end-to-end tests
	@began=$$SECONDS
	Scripts/install-packages
	$(MAKE) lint
	Scripts/build --tests
	$(MAKE) unit
	$(MAKE) end-to-end
	echo "make test: all of it passed in $$((SECONDS - began)) s"

lint:  ## format, style and the floor plan
	@Scripts/check-floor-plan
	Scripts/check-style
	Scripts/python-environment tests
	.venv/bin/ruff check --no-cache --quiet EndToEnd Scripts
	.venv/bin/ruff format --no-cache --quiet --check EndToEnd Scripts
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
	echo "lint: clean"

unit:  ## swift test, with what `make build` or `make test` has built
	@Scripts/unit-tests

end-to-end:  ## pytest: real clients against the real programs in namespaces  (TESTS="-k sudo")
	@Scripts/python-environment
	Scripts/build --host
	Scripts/end-to-end $(TESTS)

sanitize:  ## the end-to-end tests against a server under ThreadSanitizer  (TESTS="-k sudo")
	@Scripts/python-environment
	Scripts/build
	Scripts/sanitize $(TESTS)

bench:  ## ratios beside nginx and plain ssh: the tunnel, certificates, starting, a login
	@Scripts/install-packages build bench lab
	python3 Benchmarks/run

clean: demo-down  ## remove what was built and made here; caches outside the repository stay
	@rm -rf .build .build-host .build-sanitize .venv .venv-az .lab .pytest_cache
