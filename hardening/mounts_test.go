package hardening

// Rows 3 and 6: masks, read-only paths, tmpcopyup and remounts go to paths that may be
// links of the image.

import (
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestMaskThroughLinkIntoProcRefused: no file of procfs is masked or made read-only
// through a link of the image.
func TestMaskThroughLinkIntoProcRefused(t *testing.T) {
	guard(t)
	for _, detour := range []string{"/proc", "/proc/self/attr", "/proc/sys/kernel", "../proc/uptime"} {
		b := newBundle(t, "true")
		b.replace(t, "detour", detour)
		masked := *b.spec.Linux
		masked.MaskedPaths = []string{"/detour"}
		frozen := *b.spec.Linux
		frozen.ReadonlyPaths = []string{"/detour"}
		for _, linux := range []specs.Linux{masked, frozen} {
			b.spec.Linux = &linux
			b.run(t).refused(t, "Paths", "fail if it is on procfs")
		}
	}
}

// TestMaskThroughProcFdRefused: nor is a file of the host, through /proc/self/fd.
func TestMaskThroughProcFdRefused(t *testing.T) {
	guard(t)
	for _, door := range []string{"/proc/self/fd/3", "/proc/self/cwd", "/proc/1/root"} {
		for _, path := range []string{"/door", "/door/file", "/link/to/it"} {
			b := newBundle(t, "true")
			b.replace(t, "door", door)
			b.replace(t, "link", "/door/..")
			b.spec.Linux.MaskedPaths = []string{path}
			b.run(t, leak(t)...).refused(t, "linux.maskedPaths")
			b.spec.Linux.MaskedPaths, b.spec.Linux.ReadonlyPaths = nil, []string{path}
			b.run(t, leak(t)...).refused(t, "linux.readonlyPaths")
		}
	}
}

// TestMaskFollowsLinkInRoot: the target of a link is masked, and nothing else.
func TestMaskFollowsLinkInRoot(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "cat /etc/secret; ls "+canary)
	b.replace(t, "etc/secret", filepath.Join(canary, "file"))
	b.replace(t, "directory", "/tmp")
	b.spec.Linux.MaskedPaths = []string{"/etc/secret", "/directory"}
	b.run(t).untouched(t)
}

// TestTmpcopyupStaysInRoot: a tmpfs is filled from its own path in the image, and from
// nowhere else.
func TestTmpcopyupStaysInRoot(t *testing.T) {
	guard(t)
	for link, place := range map[string]string{canary: "/link", "/proc/self/fd/3": "/link",
		"/proc/self/cwd": "/link/run", "/etc": "/link"} {
		dangling := link == canary // its end is made in the root, and empty
		b := newBundle(t, "true")
		b.replace(t, "link", link)
		b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: place, Type: "tmpfs", Source: "tmpfs",
			Options: []string{"tmpcopyup"}})
		r := b.run(t, leak(t)...)
		if r.untouched(t); dangling {
			r.want(t, 0)
			continue
		}
		r.refused(t, "mounts[7]")
	}
}

// TestRemountThroughLinkRefused: only a mount of the container is changed.
func TestRemountThroughLinkRefused(t *testing.T) {
	guard(t)
	for _, link := range []string{"/proc/self/fd/3", "/proc", "/proc/1/root", "/etc", canary} {
		for _, options := range [][]string{{"remount", "bind", "ro"}, {"remount", "size=1k"}} {
			b := newBundle(t, "true")
			b.replace(t, "link", link)
			b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/link", Type: "tmpfs", Options: options})
			b.run(t, leak(t)...).refused(t, "mounts[7]")
		}
	}
}
