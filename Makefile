SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

BIN := bin
STATICCHECK_VERSION := v0.8.2
STATICCHECK := $(BIN)/staticcheck-$(STATICCHECK_VERSION)
GOFLAGS_TEST ?=
FUZZTIME ?= 10s
# Nobody debugs what is built to be tested, and most of linking is tables for debuggers.
# What tests build themselves is linked so too.
export GOFLAGS := $(strip $(shell go env GOFLAGS) -ldflags=-w)

LONG := ./test/limits ./test/crash ./test/damage
# What make test has run of test/script, with the same binaries.
QUICK_SCRIPTS := '^(TestScripts|TestDemo|TestReadmeOwnTest)$$'

.PHONY: help build run quick test test-long soak race conformance fuzz bench generate verify cross lint clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/runtime
	@mkdir -p $(BIN)
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(BIN)/runtime ./cmd/runtime

run: build ## Start the runtime with a sample function behind a queue, and send to it
	@go build -trimpath -o $(BIN)/demo ./cmd/demo
	@exec $(BIN)/demo

# For the inner loop. What runs processes, builds binaries or waits for real clocks
# skips (needs.Time).
quick: ## Run the tests that are quick
	go test -short $(GOFLAGS_TEST) ./...

# The tests wait for as long as something moves (test/patience); the limit for a whole
# package is for what hangs, and far above what a busy machine needs.
test: ## Run the test suite
	go test -timeout 1h $(GOFLAGS_TEST) ./...

test-long: ## Run what takes long, needs root or a broker; names what is missing
	MILLRACE_LONG=1 go test -count=1 -p 3 -timeout 1h $(GOFLAGS_TEST) ./runtime/broker/... ./runtime/bridge/... # mostly they wait for brokers to boot
	MILLRACE_LONG=1 go test -count=1 -p 2 -parallel 3 -timeout 1h $(GOFLAGS_TEST) -skip $(QUICK_SCRIPTS) ./test/mq ./test/script # the former wait likewise, the latter need the processor meanwhile
	MILLRACE_LONG=1 go test -count=1 -p 1 -timeout 1h $(GOFLAGS_TEST) $(LONG)

T ?= 10m

soak: ## Kill a runtime under traffic of every kind for T; says what it did, and fails when anything was lost
	MILLRACE_LONG=1 go test -count=1 -v -timeout 0 ./test/crash -run '^TestSoak$$' -crash.soak $(T)

race: ## Run the test suite with the race detector
	$(MAKE) test GOFLAGS_TEST="-race $(GOFLAGS_TEST)"

conformance: ## Run the scenarios through AWS SDKs, with the loop and with net/http alone
	go test $(GOFLAGS_TEST) ./test/conformance/...
	MILLRACE_HTTP=std go test $(GOFLAGS_TEST) ./test/conformance/...

# The minimizing of what looks new is cut short: the embedded server's goroutines go
# on beside a target, and what they run looks new for ever.
fuzz: ## Fuzz everything that strangers send, FUZZTIME each
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
	  sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r target; do \
	    echo "fuzzing $$target in $$(dirname $$file)"; \
	    go test "$$(dirname $$file)" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x; \
	  done; \
	done

bench: build ## Measure; figures are in test/bench/README.md
	go run ./test/bench -runtime $(BIN)/runtime

generate: ## Write generated code anew
	go generate ./...

verify: generate ## Fail when generated code is not current
	@git diff --exit-code -- '*.gen.go' services/SUPPORTED.md || { echo 'generated files are not current: run make generate and commit'; exit 1; }

cross: ## Build for the systems that nobody runs the tests on
	GOOS=darwin go build ./...
	GOOS=windows go build ./...

lint: $(STATICCHECK) ## Check format, vet and staticcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

$(STATICCHECK):
	@mkdir -p $(BIN)
	GOBIN=$(abspath $(BIN)) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv $(BIN)/staticcheck $@

clean: ## Remove what was built
	rm -rf $(BIN)
