package runtime

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestEndsOfDanglingLinksMade: what a plan makes in the root is made where a symbolic link
// leads, with the directories above it.
func TestEndsOfDanglingLinksMade(t *testing.T) {
	for _, test := range []struct{ what, link, to, dest, end string }{
		{"relative", "etc/conf", "../run/made/conf", "/etc/conf", "/run/made/conf"},
		{"absolute", "etc/conf", "/run/made/conf", "/etc/conf", "/run/made/conf"},
		{"beside it", "etc/conf", "other", "/etc/conf", "/etc/other"},
		{"above the root", "etc/conf", "../../../../up", "/etc/conf", "/up"},
		{"a directory on the path", "lnk", "/nowhere/dir", "/lnk/x", "/nowhere/dir/x"},
		{"a link in a mount", "lent/link", "../made/x", "/mnt/link", "/made/x"},
		{"a link to a mount", "etc/conf", "/mnt/new/x", "/etc/conf", "/mnt/new/x"},
		{"a link to a new tmpfs", "etc/conf", "/new/deep/x", "/etc/conf", "/new/deep/x"},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBundle(t)
			src := b.tree(t, "src")
			link := b.file("rootfs/" + test.link)
			testkit.Check(t, os.Symlink(test.to, link))
			b.mount("/new", "tmpfs", "tmpfs")
			b.mount("/mnt", "bind", b.file("rootfs/lent"), "bind")
			b.mount(test.dest, "bind", src+"/file", "bind")
			want(t, b.output("cat "+test.dest+" "+test.end), "text\ntext")
		})
	}
}

// TestEndsOfLinkChainMade: each link leads to the next.
func TestEndsOfLinkChainMade(t *testing.T) {
	b := newBundle(t)
	b.tree(t, "src")
	for from, to := range map[string]string{"a": "etc/b/c", "etc/b": "../tmp/./d", "tmp/d": "/etc/../e"} {
		testkit.Check(t, os.Symlink(to, b.file("rootfs/"+from)))
	}
	b.mount("/a", "bind", "src", "bind")
	want(t, b.output("cat /e/c/file /a/file"), "text\ntext")
}

// TestDanglingLinkToPlacesOfEveryKind: a tmpfs, a directory of the root, a device, the
// working directory.
func TestDanglingLinkToPlacesOfEveryKind(t *testing.T) {
	b := newBundle(t)
	testkit.Check(t, os.Symlink("made", b.file("rootfs/link")))
	b.mount("/link/tmp", "tmpfs", "tmpfs")
	b.mount("/link/own", "bind", "rootfs:/link/own", "bind")
	b.spec.Linux.Devices = []specs.LinuxDevice{{Path: "/link/zero", Type: "c", Major: 1, Minor: 5}}
	b.spec.Process.Cwd = "/link/work"
	want(t, b.output("pwd; cut -d' ' -f5 /proc/self/mountinfo | grep made; stat -c %t:%T zero ../zero 2>/dev/null"),
		"/made/work\n/made/tmp\n/made/own\n1:5")
}

// TestDanglingLinkInUserNamespace: the container's root owns what is made.
func TestDanglingLinkInUserNamespace(t *testing.T) {
	b := newBundle(t)
	b.mapRoot(t, 100000)
	testkit.Check(t, os.Symlink("tmp/made/x", b.file("rootfs/link")))
	b.mount("/link", "tmpfs", "tmpfs")
	want(t, b.output("stat -c '%u %n' /tmp/made"), "0 /tmp/made")
}

// TestLinkLoopRefused: the error is the kernel's.
func TestLinkLoopRefused(t *testing.T) {
	b := newBundle(t)
	testkit.Check(t, os.Symlink("b", b.file("rootfs/a")), os.Symlink("a", b.file("rootfs/b")))
	b.mount("/a/x", "tmpfs", "tmpfs")
	b.runFails(t, "too many levels of symbolic links", "mounts[1]: /a/x", "hint: ")
}
