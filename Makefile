# `make demo` shows what ruhepol does; `make test` proves it. Both install what is missing and say so.

CARGO ?= cargo
RUHEPOL = target/release/ruhepol

.PHONY: help demo serve test kill lint bench wer eval fixtures golden doc build tools clean

help:
	@echo "make demo      build, start a server, play the shipped calls into it, show what it notices (under two minutes)"
	@echo "make serve     the same server, staying up; prints its address"
	@echo "make test      the whole test suite"
	@echo "make lint      formatting, clippy, documentation, all without a warning"
	@echo "make kill      fifty times kill -9 while calls run, with a reader that checks every number"
	@echo "make bench     benchmarks (criterion)"
	@echo "make wer       word error rate of the shipped calls through socket, voice activity and whisper-rs"
	@echo "make eval      quality of the scoring on our own labelled lines and dialogues"
	@echo "make fixtures  make the recorded calls anew (needs espeak-ng and python3)"
	@echo "make golden    write the golden event logs anew; read the difference before you commit it"

tools:
	@deploy/install-tools.sh

build: tools
	$(CARGO) build --release

demo: build
	$(RUHEPOL) demo --once

serve: build
	$(RUHEPOL) serve

# One profile for product and tests, so that whisper.cpp is built once.
test: tools
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --release; \
	else \
		$(CARGO) test --release --lib --bins --tests; \
	fi
	$(CARGO) test --release --doc

lint: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps

kill: tools
	RUHEPOL_KILLS=50 $(CARGO) test --release --test main -- --nocapture nothing_told_is_lost

bench: tools
	$(CARGO) bench

wer: build
	$(RUHEPOL) wer fixtures

eval: build
	$(RUHEPOL) eval models/lines models/dialogues

fixtures:
	python3 fixtures/make/make.py

golden: build
	UPDATE_GOLDEN=1 $(CARGO) test --release --test main golden

doc:
	$(CARGO) doc --release --no-deps --open

clean:
	$(CARGO) clean
