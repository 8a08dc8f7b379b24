# Targets:
#
#   make demo          create a container, step by step
#   make test-fast     the tests that need neither root nor other programs: 15 s
#   make test          all tests, as root
#   make test-vm       the tests that need a virtual machine
#   make test-systemd  the tests that need one with systemd, docker and podman
#   make build         static binaries in bin/
#   make check         gofmt, line width, go vet for both machines, staticcheck
#   make bench         compare speed with other runtimes
#   make bench-vm      compare containers with virtual machines, with charts
#   make fuzz          run each fuzz target for FUZZTIME
#   make clean

VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN         ?= bin
FUZZTIME    ?= 10s
TESTFLAGS   ?=
QEMU        := qemu-system-$(if $(filter x86_64,$(shell uname -m)),x86,arm)
SUDO        := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Static binaries: no C, no shared libraries. The tag leaves out cli's man page writer,
# which is initialised at each start.
export CGO_ENABLED = 0

.PHONY: build demo test test-fast test-vm test-systemd check bench bench-vm fuzz clean

build:
	go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/ ./cmd/...

demo: build
	scripts/need busybox-static
	$(SUDO) scripts/demo

# The packages whose tests need neither root nor other programs.
FAST := hint internal runtime/plan runtime/compile runtime/seccomp layers images browse container/config container/volume container/logs without

test-fast:
	go test -short . $(patsubst %,./%/...,$(wildcard $(FAST)))

# The tests are built by the caller and run by root. dockerd is Debian's or Docker's; a
# containerd comes with either.
test:
	scripts/need busybox-static bzip2 xz-utils acl strace tini iproute2 procps patch docker-registry skopeo podman chromium tmux cpio $(QEMU)
	PATH="$$PATH:/usr/sbin" command -v dockerd >/dev/null || scripts/need docker.io
	go test -timeout 30m $(TESTFLAGS) $(if $(SUDO),-exec 'sudo -E env "PATH=$(PATH):/usr/sbin"') ./...
	scripts/test-vm
	scripts/test-systemd

# ARCH=arm64 make test-vm: the same on arm64.
test-vm:
	scripts/test-vm

test-systemd:
	scripts/test-systemd

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
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100ms $$package || exit 1; \
		done; \
	done

clean:
	$(SUDO) rm -rf bin
