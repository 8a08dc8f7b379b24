package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Which mounts are seen where.

// TestPropagationInMountinfo: of a filesystem, of a bind mount, and of what is
// mounted below that. The source is shared.
func TestPropagationInMountinfo(t *testing.T) {
	program := oci(t)
	for _, test := range []struct{ options, fs, bind, below string }{
		{"bind", "", "-", ""},
		{"rbind", "", "-", "-"},
		{"shared", "shared", "shared", "shared"},
		{"rshared", "shared", "shared", "shared"},
		{"slave", "-", "master", "master"},
		{"rslave", "-", "master", "master"},
		{"private", "-", "-", "-"},
		{"rprivate", "-", "-", "-"},
		{"unbindable", "unbindable", "unbindable", "-"},
		{"runbindable", "unbindable", "unbindable", "unbindable"},
	} {
		t.Run(test.options, func(t *testing.T) {
			b := newBundle(t, program)
			if test.fs != "" {
				b.mount("/fs", "tmpfs", "tmpfs", test.options)
				test.fs = "rw,relatime " + test.fs + "\n"
			}
			options := []string{test.options}
			if !strings.HasSuffix(test.options, "bind") {
				options = append(options, "rbind")
			}
			if test.below != "" {
				test.below = "\nrw,relatime " + test.below
			}
			b.mount("/bind", "none", b.folder(t, "src"), options...)
			want(t, b.run(t, see+"see /fs; see /bind; see /bind/below"), test.fs+"rw,relatime "+test.bind+test.below)
		})
	}
}

// TestEvents: a mount that is made on the host is seen in the container or not,
// and one of the container's on the host.
func TestEvents(t *testing.T) {
	program := oci(t)
	for _, test := range []struct {
		options, root string
		in, out       bool
	}{
		{"bind", "", false, false},
		{"bind,private", "", false, false},
		{"bind,slave", "", true, false},
		{"rbind,rslave", "", true, false},
		{"bind,shared", "", true, true},
		{"rbind,rshared", "rshared", true, true},
		{"bind", "slave", false, false},
		{"bind,rslave", "rslave", true, false},
	} {
		t.Run(test.options+" "+test.root, func(t *testing.T) {
			b := newBundle(t, program)
			src := filepath.Join(b.dir, "src")
			for _, name := range []string{"host", "container"} {
				try(t, os.MkdirAll(filepath.Join(src, name), 0o755))
			}
			b.mount("/lent", "none", src, strings.Split(test.options, ",")...)
			b.spec.Linux.RootfsPropagation = test.root
			rest := b.talk(t, "mount -t tmpfs none /lent/container; touch /lent/container/mark; echo made; read x; "+
				"ls /lent/host", func() {
				_, err := os.Stat(filepath.Join(src, "container/mark"))
				if (err == nil) != test.out {
					t.Errorf("what the container mounted: on the host %v", err)
				}
				try(t, unix.Mount("tmpfs", filepath.Join(src, "host"), "tmpfs", 0, ""))
				try(t, os.WriteFile(filepath.Join(src, "host/mark"), nil, 0o644))
			})
			if (rest == "mark") != test.in {
				t.Errorf("what the host mounted is in the container: %q", rest)
			}
		})
	}
}

// TestRootfsPropagation: what the validation program of the runtime tools tries,
// and that a slave root sees what the host mounts in it.
func TestRootfsPropagation(t *testing.T) {
	program := oci(t)
	for _, test := range []struct {
		propagation, info string
		copied, seen      bool
	}{
		{"", "-", false, false},
		{"private", "-", false, false},
		{"rprivate", "-", false, false},
		{"slave", "master", false, true},
		{"rslave", "master", false, true},
		{"shared", "shared", true, false},
		{"rshared", "shared", true, false},
	} {
		t.Run(test.propagation, func(t *testing.T) {
			b := newBundle(t, program)
			b.spec.Linux.RootfsPropagation = test.propagation
			b.spec.Linux.ReadonlyPaths = []string{"/etc"}
			for _, name := range []string{"copy", "from", "to"} {
				try(t, os.MkdirAll(filepath.Join(b.root, name), 0o755))
			}
			try(t, os.WriteFile(filepath.Join(b.root, "from/mark"), nil, 0o644))
			words := see + "see /; mount -o rbind / /copy; mount -o bind /from /to; ls /copy/to; "
			info, _, _ := strings.Cut(b.run(t, words), "\n")
			want(t, info, "rw,relatime "+test.info)
			copied := strings.HasSuffix(b.run(t, words), "mark")
			if copied != test.copied {
				t.Errorf("a copy of the root sees what is mounted in it: %v", copied)
			}
			rest := b.talk(t, "echo; read x; ls /lent", func() {
				try(t, unix.Mount("tmpfs", filepath.Join(b.root, "lent"), "tmpfs", 0, ""))
				try(t, os.WriteFile(filepath.Join(b.root, "lent/mark"), nil, 0o644))
			})
			if (rest == "mark") != test.seen {
				t.Errorf("what the host mounts in the root is in the container: %q", rest)
			}
		})
	}
	for _, propagation := range []string{"unbindable", "runbindable"} {
		b := newBundle(t, program)
		b.spec.Linux.RootfsPropagation = propagation
		b.spec.Linux.ReadonlyPaths = []string{"/etc"}
		if out := b.run(t, "mount -o rbind / /lent"); !strings.Contains(out, "Invalid argument") {
			t.Errorf("%s: the root can be bound: %s", propagation, out)
		}
	}
}

// TestRootfsPropagationWithHooks: the pivot, which refuses a shared root, comes
// later where there are hooks.
func TestRootfsPropagationWithHooks(t *testing.T) {
	b := newBundle(t, oci(t))
	b.spec.Linux.RootfsPropagation = "shared"
	b.spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
	info, _, _ := strings.Cut(b.run(t, see+"see /"), "\n")
	want(t, info, "rw,relatime shared")
}
