# `make demo` shows what ruhepol does; `make test` proves it. Both install what is missing and say so.

CARGO ?= cargo
RUHEPOL = target/release/ruhepol

.PHONY: help demo serve test onnx kill clock soak fuzz abuse lint bench wer eval fixtures golden model doc build tools web browser screenshots load clean

help:
	@echo "make demo      build, start a server, play the shipped calls into it, show what it notices (under two minutes)"
	@echo "make serve     the same server, staying up; prints its address"
	@echo "make test      the whole test suite"
	@echo "make web       the board and the panel (needs Node.js 18 or newer; installed if missing)"
	@echo "make browser   the browser tests alone"
	@echo "make screenshots   a picture of every state of both pages into tests/browser/out"
	@echo "make load      sixty calls on the board for ten minutes; frame times and memory"
	@echo "make lint      formatting, clippy, documentation, all without a warning"
	@echo "make onnx      the feature for a text classifier of your own, built and tested (compiles tract: minutes)"
	@echo "make kill      fifty times kill -9 while calls run, with a reader that checks every number"
	@echo "make clock     two calls while the server's wall clock jumps ahead and back by hours, weeks and a year"
	@echo "make soak      ten minutes of calls, slow readers and strangers; nothing lost, nothing grows (SOAK_S, SOAK_CALLS,"
	@echo "               SOAK_ENGINE=recorded without the speech engine, SOAK_PACE=10 at the pace people speak)"
	@echo "make fuzz      ten minutes of broken input for everything that reads input (FUZZ_S)"
	@echo "make abuse     a client that breaks every rule of WebSocket, on every path"
	@echo "make bench     benchmarks (criterion)"
	@echo "make wer       word error rate of the shipped calls through socket, voice activity and whisper-rs"
	@echo "make eval      quality of the scoring on our own labelled lines and dialogues"
	@echo "make fixtures  make the recorded calls anew (needs espeak-ng and python3)"
	@echo "make model     train the small speech model anew (hours; needs espeak-ng and python3)"
	@echo "make golden    write the golden event logs anew; read the difference before you commit it"

tools:
	@deploy/install-tools.sh

build: web tools
	$(CARGO) build --release

# The demonstration needs no Node: without web/dist the program says how to build the pages.
demo: tools
	$(CARGO) build --release
	$(RUHEPOL) demo --once

web:
	@deploy/install-tools.sh web
	@$(MAKE) --no-print-directory web/dist/index.html

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/tools -type f)
	cd web && npm run --silent build

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --silent
	@touch $@

browser: web
	@deploy/install-tools.sh browser
	$(CARGO) build --release
	node tests/browser/run.mjs

screenshots: build
	@deploy/install-tools.sh browser
	node tests/browser/shots.mjs

load: build
	@deploy/install-tools.sh browser
	LOAD_SECONDS=600 node --test --test-name-pattern "sixty calls" tests/browser/connection.test.mjs

serve: build
	$(RUHEPOL) serve

# One profile for product and tests, so that whisper.cpp is built once. Where Node.js and Chromium neither are nor can be
# installed, the pages are not built and their tests are left out, loudly.
test: tools
	@if deploy/install-tools.sh web; then $(MAKE) --no-print-directory web; \
	else echo "SKIPPED: the board and the panel are not built, for want of Node.js."; fi
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --release --retries 2; \
	else \
		$(CARGO) test --release --lib --bins --tests; \
	fi
	$(CARGO) test --release --doc
	@if deploy/install-tools.sh browser; then \
		$(MAKE) --no-print-directory browser; \
	else echo "SKIPPED: the tests of the board and the panel, for want of Node.js or Chromium."; fi

lint: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps

onnx: tools
	$(CARGO) test --release --features onnx --lib onnx
	$(CARGO) test --release --features onnx --test main onnx

kill: tools
	RUHEPOL_KILLS=50 $(CARGO) test --release --test main -- --nocapture nothing_told_is_lost

clock: build
	tests/clock.sh $(RUHEPOL)

SOAK_S ?= 600
SOAK_CALLS ?= 12
SOAK_ENGINE ?= whisper
SOAK_PACE ?= 1
soak: tools
	RUHEPOL_SOAK_S=$(SOAK_S) RUHEPOL_SOAK_CALLS=$(SOAK_CALLS) RUHEPOL_SOAK_ENGINE=$(SOAK_ENGINE) \
	RUHEPOL_SOAK_PACE=$(SOAK_PACE) $(CARGO) test --release --test main -- --nocapture soak::

FUZZ_S ?= 600
fuzz: tools
	RUHEPOL_FUZZ_S=$(FUZZ_S) $(CARGO) test --release --test main -- --ignored --nocapture fuzz::for_a_long_time

abuse: tools
	$(CARGO) test --release --test main -- abuse::

bench: tools
	$(CARGO) bench

wer: build
	$(RUHEPOL) wer fixtures

eval: build
	$(RUHEPOL) eval models/lines models/dialogues

fixtures:
	python3 fixtures/make/make.py

model:
	models/train/make.sh

golden: build
	UPDATE_GOLDEN=1 $(CARGO) test --release --test main golden

doc:
	$(CARGO) doc --release --no-deps --open

clean:
	$(CARGO) clean
