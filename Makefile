.PHONY: help demo test test-peers build fmt lint audit bench

help:
	@echo 'make demo          see a git push become a running app (ONCE=1: stop when it has been shown)'
	@echo 'make test          install what the tests need, and run everything that has to hold'
	@echo 'make test-peers    test against other systems and kernels (slow; as root)'
	@echo 'make build         build target/release/solum'
	@echo 'make fmt lint      format the code; look for what is wrong with it'
	@echo 'make audit         look for known weaknesses in the dependencies (cargo-deny, network)'
	@echo 'make bench         measure pushes, the router and the memory'

demo:
	@scripts/demo $(if $(ONCE),--once)

test:
	@scripts/test

test-peers:
	@scripts/test-peers

build:
	@scripts/install-deps run
	cargo build --release --locked --package solum

fmt:
	cargo fmt --all

lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

audit:
	cargo deny --locked check

bench:
	@scripts/install-deps bench
	cargo xtask bench push
	cargo xtask bench idle
	cargo xtask bench router
