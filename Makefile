# Two commands matter: `make demo` shows the whole product on the example
# fleet, `make test` runs every test. The rest is for maintainers.
# The Go command fetches the toolchain that go.mod names through the module proxy.
export GOTOOLCHAIN := auto
GO      ?= go
BIN     := bin/darkstart
TOOL    := $(GO) tool -modfile=internal/tools/go.mod
# regal needs versions of its own; see internal/archtest.
REGAL   := $(GO) tool -modfile=internal/tools/regal/go.mod regal
SOURCES := $(shell find cmd compiler internal plans policies schemas -name '*.go' -o -name '*.cue' -o -name '*.rego' -o -name '*.gz' 2>/dev/null)

.PHONY: all demo test tools lint bench fuzz docs fmt build clean
all: build

build: $(BIN)
$(BIN): $(SOURCES) go.mod go.sum
	$(GO) build -trimpath -o $@ ./cmd/darkstart

demo: $(BIN) ## the main job on the example fleet, in a scratch repository under dist/
	@sh testdata/demo.sh $(abspath $(BIN))

test: ## every test
	$(GO) test ./...

tools: ## the stock programs that tests compare with (once, some CPU minutes)
	$(GO) run ./internal/testkit/tools/build

lint:
	$(GO) vet ./...
	$(TOOL) gofumpt -l . | (! grep .)
	$(TOOL) staticcheck ./...
	$(TOOL) opa fmt --fail --list policies
	$(TOOL) opa check --strict policies
	$(REGAL) lint policies
	$(TOOL) cue fmt --check ./schemas/...
	$(MAKE) docs
	git diff --exit-code -- docs README.md

docs: $(BIN) ## generated pages
	$(BIN) schema docs > docs/schema.md
	$(BIN) explain --all -o markdown > docs/codes.md

bench: $(BIN)
	$(GO) run ./internal/bench

fuzz:
	sh testdata/fuzz.sh

fmt:
	$(TOOL) gofumpt -w .
	$(TOOL) opa fmt -w policies
	$(TOOL) cue fmt ./schemas/...

clean:
	rm -rf bin dist
