# make demo    set up, build, and play the whole story once
# make test    set up, and run every test
# make bench   measure, as ratios to named peers
# make fuzz    fuzz the parsers of evidence; ARGUMENTS as Scripts/fuzz says
# make up      start everything and leave it running until Ctrl-C
.PHONY: demo up build test bench fuzz format lint clean

# SwiftPM writes trait definitions in hash order: without this each new plan may recompile Hummingbird.
export SWIFT_DETERMINISTIC_HASHING = 1

SCRATCH := $(or $(CLOISTER_SCRATCH),.build)
RELEASE := swift build -c release --scratch-path $(SCRATCH) --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s
ARGUMENTS ?=
# What is only for builds: a running service hashes what strangers send, and must not do so predictably.
RUN := env -u SWIFT_DETERMINISTIC_HASHING

demo: build
	$(RUN) $(SCRATCH)/release/cloister demo $(ARGUMENTS)

up: build
	$(RUN) $(SCRATCH)/release/cloister up $(ARGUMENTS)

build:
	@Scripts/setup build
	@echo "Building in release mode (the first time takes some 25 minutes on two cores)"
	@if [ -t 1 ]; then $(RELEASE); else $(RELEASE) --quiet; fi

test:
	@Scripts/setup test
	@Scripts/test $(SCRATCH)

bench:
	@Scripts/setup bench
	@Scripts/bench $(SCRATCH)

fuzz:
	@Scripts/setup build
	@Scripts/fuzz $(ARGUMENTS)

format:
	swift format --in-place --recursive Sources Tests Benchmarks Fuzz Package.swift

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks Fuzz Package.swift

clean:
	rm -rf $(SCRATCH)
