# Everything that is done with this repository. "make" lists it.
#
# Go and Node with npm are expected; what else is needed, and can be had from Debian
# or npm, is installed on the way. Nothing asks a question, all of it may be repeated.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

# All modules of this repository.
MODULES := . $(patsubst %/go.mod,%,$(wildcard */go.mod */*/go.mod))

STATICCHECK := $(CURDIR)/bin/staticcheck
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# Two packages at a time suit a machine with two cores.
GOTEST := go test -p 2

# A build in a checkout knows its commit, whatever GOFLAGS says; git may refuse to say
# it, or be missing.
STAMP = $(if $(shell git rev-parse HEAD 2>/dev/null),-buildvcs=true,-buildvcs=false)

# What may be set: make fuzz FUZZTIME=5m, make run ARGS='--addr :8080', and so on.
DIR ?=
FUZZTIME ?= 30s
SOAKTIME ?= 10m
SHAKE ?= 1 2 3 4
E2E_COUNT ?= 3
ARGS ?=

# $(call each,COMMAND) runs a command in every module.
each = for module in $(MODULES); do (cd $$module && $(1)); done

# $(call debian,COMMAND,PACKAGES) installs Debian packages if a command, or a file, is
# missing. What
# is a service is not started: the tests run what they need (runlevel 1 is for one user).
debian = [ -e $(1) ] || command -v $(1) >/dev/null || { echo "installing $(2)"; \
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; apt-get -qq update </dev/null; \
	apt-get -qq install -y --no-install-recommends $(2) </dev/null >/dev/null; }

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## serve the demo on http://localhost:3000, with npm's official clients
	exec bin/sockeye $(ARGS)

.PHONY: build
build: clients ## make bin/sockeye: one file, official clients included
	CGO_ENABLED=0 go build -trimpath $(STAMP) -tags clients -o bin/sockeye ./cmd/sockeye

.PHONY: clients
clients: cmd/sockeye/clients/dist ## get the official clients from npm (cmd/sockeye/clients)

# For each version of socket.io-client a directory with the files that browsers load.
cmd/sockeye/clients/dist: cmd/sockeye/clients/node_modules/.package-lock.json
	@rm -rf $@ $@.new
	@cd $(@D) && for package in node_modules/socket.io-client-*; do \
		version=$$(node -p "require('./$$package/package.json').version"); \
		mkdir -p "dist.new/$$version"; \
		for file in "$$package"/dist/*.{js,map,swf}; do \
			if [ -f "$$file" ]; then cp "$$file" "dist.new/$$version"; fi; \
		done; \
	done
	@mv $@.new $@ && touch $@

##### Checks

.PHONY: check
check: fmt-check vet staticcheck ## the quick part of test, for while you work
	$(GOTEST) -short ./...

.PHONY: test
test: setup fmt-check vet staticcheck ## everything that can break: unit, -race, real clients, a real browser
	$(GOTEST) -count=1 ./...
	$(GOTEST) -count=1 -race ./...
	$(GOTEST) -count=1 -tags clients -run Bundled ./cmd/sockeye
	$(if $(wildcard examples/go.mod),cd examples && $(GOTEST) -count=1 ./...)
	cd bench && go build -o /dev/null ./... && $(GOTEST) -count=1 ./...
	cd e2e && $(GOTEST) -count=1 -parallel 6 ./...

.PHONY: test-long
test-long: test cross fuzz shake e2e-long soak ## test, and what takes time: fuzzing, rare orders, repeats, other systems, the soak

.PHONY: e2e-long
e2e-long: setup e2e/reference/node_modules/.package-lock.json ## end to end with -race, repeated, and against Node's servers
	cd e2e && SOCKEYE_E2E_SERVER=both go test -count=1 -parallel 6 ./...
	cd e2e && SOCKEYE_E2E_RACE=1 go test -count=$(E2E_COUNT) -parallel 6 ./...

.PHONY: picture
picture: clients setup-browser ## take the README's picture of the page
	cd e2e && go run ./picture $(ARGS)

.PHONY: soak
soak: setup ## mixed clients on both engines for SOAKTIME (10m); SOAK_RACE=1: with the race detector
	cd e2e && SOAK=$(SOAKTIME) go test -count=1 -timeout 0 -v -run '^TestSoak$$' .

.PHONY: suites
suites: ## the official protocol suites, checked out in DIR (e2e/README.md)
	@test -n '$(DIR)' || { echo 'make suites DIR=FOLDER, with engine.io-protocol and socket.io-protocol in it'; exit 2; }
	sh e2e/suites.sh '$(DIR)/engine.io-protocol/test-suite' '$(DIR)/socket.io-protocol/test-suite'

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (30s)
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { f[n++] = $$1 } /^ok/ { while (n) print $$2, f[--n] }'); \
	while read -r package target; do \
		echo "== $$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	done <<<"$$targets"

# What another order of goroutines breaks, in an hour of other work or on another machine,
# breaks here in minutes (tools/shake). The ten thousand clients of storm take too long.
.PHONY: shake
shake: setup ## the unit tests with goroutines in rare orders, in each of the ways SHAKE (1 2 3 4)
	go -C tools run ./shake ../bin/shake
	for way in $(SHAKE); do \
		SHAKE=$$way $(GOTEST) -overlay bin/shake/overlay.json -count=1 -shuffle=on $$(go list ./... | grep -v /storm); \
	done

.PHONY: cross
cross: ## build for other systems
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "$$os/$$arch"; GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 go build ./...; \
	done; done

.PHONY: fmt-check vet staticcheck
fmt-check:
	@unformatted=$$(find . -name node_modules -prune -o -name '*.go' -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "run make fmt for:"; echo "$$unformatted"; exit 1; fi

vet:
	@$(call each,go vet ./...)

staticcheck: $(STATICCHECK)
	@$(call each,$(STATICCHECK) ./...)

$(STATICCHECK): tools/go.mod tools/go.sum
	go build -C tools -o $@ honnef.co/go/tools/cmd/staticcheck

##### Figures

.PHONY: bench
bench: bench/node/node_modules/.package-lock.json ## measure the server beside a bare one and Node's (bench/README.md)
	cd bench && go run . $(ARGS)

.PHONY: cover
cover: ## what the tests reach, in bin/cover.html
	@mkdir -p bin
	$(GOTEST) -short -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -n 1

##### Housekeeping

.PHONY: fmt
fmt: ## format the Go files
	find . -name node_modules -prune -o -name '*.go' -exec gofmt -l -w {} +

.PHONY: clean
clean: ## remove what was built and installed here
	rm -rf bin cmd/sockeye/clients/dist
	find . -name node_modules -prune -exec rm -rf {} +

# -race needs a C compiler and its headers.
.PHONY: setup
setup: clients e2e/clients/node_modules/.package-lock.json setup-browser ## install what test needs
	@$(call debian,gcc,gcc libc6-dev)
	@$(call debian,/usr/lib/nginx/modules/ngx_stream_module.so,nginx-light libnginx-mod-stream)

.PHONY: setup-browser
setup-browser:
	@$(call debian,chromium,chromium)

# npm writes this file last.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@$(call debian,npm,nodejs npm)
	cd $* && $(NPM_CI)
	@touch $@
