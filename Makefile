# Two commands matter: `make demo` shows the whole product on the example
# fleet, `make test` runs every test. The rest is for maintainers.
# The Go command fetches the toolchain that go.mod names through the module proxy.
export GOTOOLCHAIN := auto
# No C compiler is needed, and the binary runs on any Linux.
export CGO_ENABLED := 0
# What is built here, by the action and by a pre-commit hook is then one build.
export GOFLAGS ?= -trimpath
GO      ?= go
BIN     := bin/darkstart
TOOL    := $(GO) tool -modfile=internal/tools/go.mod
# regal needs versions of its own; see internal/archtest.
REGAL   := $(GO) tool -modfile=internal/tools/regal/go.mod regal

.PHONY: all demo test e2e e2e-update tools lint bench bench-peers fuzz vectors docs fmt build clean $(BIN)
all: build

build: $(BIN)
$(BIN): # always: the go command knows best what is out of date
	@$(GO) build -o $@ ./cmd/darkstart

demo: $(BIN) ## the main job on the example fleet, in a scratch repository under dist/
	@sh testdata/demo.sh $(abspath $(BIN))

# A third of the time would go into collecting garbage of processes that end soon.
test: ## every test
	GOGC=400 GOMEMLIMIT=2GiB $(GO) test -timeout=20m ./...

# Builds etcd, the API server and Flux once, which costs half an hour
# of CPU and is kept in the user's cache folder; then a run takes minutes.
e2e: ## stock Flux and Argo CD on real API servers; docs/e2e.md tells it
	cd internal/e2e && $(GO) run ./programs/build && $(GO) vet ./... && $(GO) test -count=1 -timeout=30m -v $(E2EFLAGS) ./...

e2e-update: ## the same, and write docs/e2e.md
	$(MAKE) e2e E2EFLAGS=-update

tools: ## the stock programs that tests compare with (once, some CPU minutes)
	$(GO) run ./internal/testkit/tools/build

lint: ## everything but the tests; each line also runs alone
	$(GO) vet ./...
	$(TOOL) gofumpt -l . | (! grep .)
	$(TOOL) staticcheck ./...
	$(TOOL) opa fmt --fail --list policies
	$(TOOL) opa check --strict policies
	$(REGAL) lint policies
	$(TOOL) cue fmt --check ./schemas/...
	$(MAKE) docs
	@git status --porcelain -- docs | (! grep .) || { git --no-pager diff -- docs; echo "generated pages differ from what is committed: make docs" >&2; exit 1; }

vectors: ## the interoperability vectors as OCI image layouts, in dist/vectors
	rm -rf dist/vectors
	$(GO) run ./internal/testkit/vectors/unpack testdata/vectors/bundles dist/vectors

docs: $(BIN) ## generated pages
	$(BIN) schema docs > docs/schema.md
	$(BIN) explain --all -o markdown > docs/codes.md
	$(BIN) rules -o markdown > docs/rules.md

N ?= 10
bench: ## Darkstart alone on N clusters: cold, floor, warm, stages, and the Go benchmarks
	$(GO) run ./internal/bench -stock 0 -n $(N) -measure cold,floor,warm,stages,example,micro

# Every figure of docs/benchmarks.md, at the sizes that the goals name: about three
# quarters of an hour on two quiet cores, of which the stock programs take most. Each line can
# be run alone: it replaces what it measures.
bench-peers: tools ## beside the stock programs; writes docs/benchmarks.json and .md
	$(GO) run ./internal/bench -write -n 10 -variant 1,2 -runs 2
	$(GO) run ./internal/bench -write -n 100 -runs 3 -warm-up=false -measure cold,floor,warm,stages -stock 6
	$(GO) run ./internal/bench -write -n 100 -runs 1 -measure shards
	$(GO) run ./internal/bench -write -n 100 -runs 1 -warm-up=false -measure cold,floor
	$(GO) run ./internal/bench -write -n 1000 -runs 1 -warm-up=false -measure cold -stock 0
	$(GO) run ./internal/bench -write -n 1000 -runs 3 -measure growth
	$(GO) run ./internal/bench -write -n 1000 -runs 3 -measure warm
	$(GO) run ./internal/bench -write -measure example,micro

fuzz:
	sh testdata/fuzz.sh

fmt:
	$(TOOL) gofumpt -w .
	$(TOOL) opa fmt -w policies
	$(TOOL) cue fmt ./schemas/...

clean:
	rm -rf bin dist
