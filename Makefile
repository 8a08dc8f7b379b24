# What is typed here:
#
#   make demo       see a container being made
#   make test-fast  those that need neither root nor other programs: 15 s
#   make test       every test; as root, since root makes containers
#   make test-vm    those that want a machine of their own, in a virtual one
#   make build      static binaries in bin/
#   make check      gofmt, line width, go vet for both machines, staticcheck
#   make bench      how fast, against what is installed
#   make bench-vm   containers against virtual machines, with pictures
#   make fuzz       each fuzz target for FUZZTIME
#   make clean

VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN         ?= bin
FUZZTIME    ?= 10s
TESTFLAGS   ?=
QEMU        := qemu-system-$(if $(filter x86_64,$(shell uname -m)),x86,arm)
SUDO        := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# One binary that runs anywhere: no C, no shared libraries. The tag leaves out
# what cli needs to write man pages, which would be set up at every start.
export CGO_ENABLED = 0

.PHONY: build demo test test-fast test-vm check bench bench-vm fuzz clean

build:
	go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/ ./cmd/...

demo: build
	scripts/need busybox-static
	$(SUDO) scripts/demo

# Folders whose tests need no root and no other program, those of them that are there.
FAST := hint internal runtime/plan runtime/compile runtime/seccomp layers images container/config container/logs

test-fast:
	go test -short . $(patsubst %,./%/...,$(wildcard $(FAST)))

# The tests are built by you and run by root, in whose PATH dockerd lies. Which
# dockerd that is, Debian's or Docker's own, is all the same; a containerd comes
# with either.
test:
	scripts/need busybox-static strace tini iproute2 procps docker-registry skopeo podman chromium cpio $(QEMU)
	PATH="$$PATH:/usr/sbin" command -v dockerd >/dev/null || scripts/need docker.io
	go test -timeout 30m $(TESTFLAGS) $(if $(SUDO),-exec 'sudo -E env "PATH=$(PATH):/usr/sbin"') ./...
	scripts/test-vm

# ARCH=arm64 make test-vm: the same on the other machine.
test-vm:
	scripts/test-vm

check:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }
	go test -run TestLineWidth .
	GOARCH=amd64 go vet ./...
	GOARCH=arm64 go vet ./...
	go run $(STATICCHECK) ./...

bench: build
	scripts/bench-run
	scripts/bench-oci
	scripts/bench-load
	scripts/bench-layers

bench-vm:
	scripts/bench $(BENCHFLAGS)

fuzz:
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$package || exit 1; \
		done; \
	done

clean:
	$(SUDO) rm -rf bin
