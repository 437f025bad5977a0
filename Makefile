# `make demo` and `make test` need nothing but git, make and a Rust toolchain; scripts/prerequisites fetches the rest.
SHELL := /bin/bash
# Most tests wait for a server: more of them at once than there are processors.
export RUST_TEST_THREADS ?= 5
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: audit bench bench-docker check demo fmt help install-deps lint lint-code lint-doc lint-format \
  lint-shell man release schema soak test test-docker test-host
# What this machine may lack: chromium mount root ssh strace terminals contrib node. A test that lacks anything else fails.
# Browsers are large and looked through by hand; all else is installed here.
export DOKKU_BACKUPS_TEST_WITHOUT ?= chromium

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## backs up and restores a real database in a stand-in Dokku host, telling what it does
	@scripts/prerequisites demo
	@scripts/demo

test: install-deps ## all tests, those in the stand-in host included
	scripts/run-tests

soak: install-deps ## the same with millions of cases where `make check` tries thousands: retention histories, a dump of a GiB, 100,000 records
	DOKKU_BACKUPS_TEST_SOAK=1 scripts/run-tests

test-docker: install-deps ## verification and restore on real containers, with an engine and an image of its own (as root; seven minutes at most)
	@# As the tests build it: alone it would be built with other features, and all it needs once more.
	cargo test --locked --features points --no-run --test it
	tests/docker.sh

test-host: ## the acceptance tests against this machine's own dokku (makes and destroys services named backups-test-*; DOKKU_BACKUPS_TEST_SSH=dokku@HOST[:PORT]: over SSH too)
	@type -P dokku >/dev/null || { echo " !     there is no dokku on this machine" >&2; exit 1; }
	DOKKU_BACKUPS_TEST_WITHOUT="$(DOKKU_BACKUPS_TEST_WITHOUT) $(if $(DOKKU_BACKUPS_TEST_SSH),,ssh)" \
	  DOKKU_BACKUPS_TEST_HOST=1 cargo test --locked --test it -- everyday:: by_hand:: remote::row_004_every_verb platform::row_006 --test-threads=1

lint: lint-format lint-shell lint-code lint-doc

lint-format: install-deps
	cargo fmt --all --check

lint-shell: install-deps
	scripts/shell-files | xargs shellcheck -x

lint-code: install-deps
	cargo clippy --locked --all-targets --all-features -- -D warnings

lint-doc: install-deps
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --all-features

check: lint test ## everything a change has to pass: format, lints, shell scripts, documentation, tests (`make soak` tries more cases)
	@echo "make check: passed"

bench-docker: install-deps ## what export, import and verify cost on real containers beside doing it by hand (BENCH_DOCKER_MB="1 100")
	cargo build --release --locked
	DOKKU_BACKUPS_BINARY=target/release/dokku-backups DOCKER_TEST_SECONDS=7200 tests/docker.sh bench

bench: install-deps ## measures export against plain `dokku postgres:export`, memory, start-up and list
	cargo build --release --locked
	scripts/bench

release: ## static binaries and the tarballs for dokku plugin:install, in dist/; each is tried in an empty root directory
	@scripts/prerequisites release
	scripts/release

man: ## writes the man page anew from the program's own grammar
	cargo run --quiet --locked --features points --example manpage >man/dokku-backups.1

schema: ## writes the JSON schemas of all answers anew, from the types that are printed
	cargo run --quiet --locked --features points --example schema docs/schema

fmt: ## formats the sources
	cargo fmt --all

audit: ## known weaknesses and licences of the dependencies (installs cargo-audit and cargo-deny: minutes)
	@type -P cargo-audit >/dev/null || cargo install --locked cargo-audit
	@type -P cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo audit
	cargo deny check

install-deps: ## what this machine lacks, through apt
	@scripts/prerequisites test
