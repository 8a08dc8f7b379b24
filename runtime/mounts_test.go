package runtime

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Attributes and propagation of mounts, and options of filesystems.

// TestMountAttributes: mountinfo shows each option of a filesystem, of a bind mount,
// and, if the option begins with r, of the mounts below that.
func TestMountAttributes(t *testing.T) {
	const safe = "rw,nosuid,nodev,noexec,relatime"
	for _, test := range []struct{ options, top, below string }{
		{"", "rw,relatime", "rw,relatime"},
		{"ro", "ro,relatime", "rw,relatime"},
		{"rro", "ro,relatime", "ro,relatime"},
		{"rro,rw", "rw,relatime", "ro,relatime"},
		{"nosuid,nodev,noexec", safe, "rw,relatime"},
		{"rnosuid,rnodev,rnoexec", safe, safe},
		{"noatime,nodiratime", "rw,noatime,nodiratime", "rw,relatime"},
		{"noatime,relatime", "rw,relatime", "rw,relatime"},
		{"strictatime", "rw", "rw,relatime"},
		{"rstrictatime", "rw", "rw"},
		{"nosymfollow", "rw,relatime,nosymfollow", "rw,relatime"},
	} {
		t.Run(test.options, func(t *testing.T) {
			b := newBundle(t)
			options := strings.FieldsFunc(test.options, func(r rune) bool { return r == ',' })
			b.mount("/fs", "tmpfs", "tmpfs", options...)
			b.mount("/bind", "none", b.tree(t, "src"), append(options, "rbind")...)
			want(t, b.output(see+"see /fs; see /bind; see /bind/below"),
				test.top+" -\n"+test.top+" -\n"+test.below+" -")
		})
	}
}

// TestReadonlyMountsRefuseWrites: with ro the mounts below stay writable.
func TestReadonlyMountsRefuseWrites(t *testing.T) {
	b := newBundle(t)
	src := b.tree(t, "src")
	b.mount("/top", "bind", src, "rbind", "ro")
	b.mount("/all", "bind", src, "rbind", "rro")
	b.mount("/tmp", "tmpfs", "tmpfs", "ro")
	b.mount("/tmp/below", "tmpfs", "tmpfs")
	b.spec.Root.Readonly = true
	want(t, b.output("for f in /new /top/new /top/below/new /all/new /all/below/new /tmp/new /tmp/below/new; do "+
		"touch $f 2>/dev/null && echo $f; done"), "/top/below/new\n/tmp/below/new")
}

// TestBindAttributes: a bind mount without options has the attributes of its source; with
// options it has what they name, and access times, which stay. In a user namespace the other
// attributes stay, too, and those that would change one are refused. The values are runc 1.5's.
func TestBindAttributes(t *testing.T) {
	const refused = "operation not permitted"
	for _, test := range []struct{ source, options, attributes, inUserns string }{
		{"ro,nodev", "bind", "ro,nodev", "ro,nodev"},
		{"ro,nodev", "bind,defaults,rprivate", "ro,nodev", "ro,nodev"},
		{"ro,noexec,nosymfollow", "bind,dev", "rw", "ro,noexec"},
		{"ro", "bind,nosuid,nodev", "rw,nosuid,nodev", "ro,nosuid,nodev"},
		{"ro", "bind,rw,nosuid", "rw,nosuid", refused},
		{"nosuid,nodev", "bind,rw", "rw", "rw,nosuid,nodev"},
		{"nosuid,noexec,noatime", "bind,suid,exec,atime", "rw,noatime", refused},
		{"nosuid,noexec,noatime", "bind,ro", "ro,noatime", "ro,nosuid,noexec,noatime"},
		{"nosuid,noexec", "rbind,rro", "ro,nosuid,noexec", "ro,nosuid,noexec"},
		{"nosuid,noexec", "rbind,ro,rnodev", "ro,nodev", "ro,nosuid,nodev,noexec"},
		{"noatime", "bind,norelatime", "rw,noatime", "rw,noatime"},
		{"noatime", "bind,relatime", "rw,relatime", refused},
		{"noatime", "bind,nodiratime,norelatime", "rw,nodiratime,relatime", refused},
		{"nodiratime,relatime", "bind,nodiratime", "rw,nodiratime,relatime", "rw,nodiratime,relatime"},
		{"nodiratime,relatime", "bind,strictatime", "rw", refused},
		{"nodiratime,relatime", "bind,diratime", "rw,nodiratime,relatime", "rw,nodiratime,relatime"},
	} {
		b := newBundle(t)
		shell(t, fmt.Sprintf("cd %s; mkdir src; mount -t tmpfs -o strictatime tmpfs src; "+
			"mount -o remount,bind,%s src", b.dir, test.source))
		b.mount("/bind", "bind", b.file("src"), strings.Split(test.options, ",")...)
		for _, want := range []string{test.attributes, test.inUserns} {
			if got := strings.TrimSuffix(b.output(see+"see /bind"), " -"); got != want && want != refused ||
				!strings.Contains(got, want) {
				t.Errorf("%s of %s: got %q, want %q", test.options, test.source, got, want)
			}
			b.mapRoot(t, 100000)
		}
	}
}

// TestSourceInEarlierMount: the source of a bind mount may be in the root, where an earlier
// mount shows something else than the directory of the host. So runc's test of the order has it.
func TestSourceInEarlierMount(t *testing.T) {
	for _, user := range []bool{false, true} {
		b := newBundle(t)
		if user {
			b.mapRoot(t, 100000)
		}
		shell(t, "cd "+b.dir+"; mkdir -p src/a/x src/b/y src/c/z rootfs/mnt rootfs/final; touch src/a/x/file; "+
			"ln -s a src/sym; ln -s /etc rootfs/etc-link; touch rootfs/etc/of-image; chmod o-rwx src")
		b.mount("/mnt", "bind", b.file("src/a"), "bind")
		b.mount("/mnt/x", "bind", b.file("src/b"), "bind")
		b.mount("/mnt/x/y", "bind", b.file("src/c"), "bind")
		b.mount("/mnt/x/y/z", "bind", b.file("src/sym"), "bind")
		b.mount(b.file("rootfs/mnt/x/y/z/x"), "bind", b.file("rootfs/mnt/x"), "rbind") // as for runc: from root.path
		b.mount("/mnt/x/y/z", "bind", b.file("rootfs/mnt/x/y"), "rbind")
		b.mount("/final", "bind", b.file("rootfs/mnt"), "rbind")
		b.mount("/etc-link", "tmpfs", "tmpfs")
		b.mount("/image", "bind", b.file("rootfs/etc-link/../etc"), "rbind")
		want(t, b.output("ls /final/x/y/z/z/x/y/z/x; ls /image"), "file\nof-image")
	}
}

// TestSourceInEarlierMountStaysInRoot: a symbolic link of the image leads to a file of the
// container, never to one of the host, and not into procfs.
func TestSourceInEarlierMountStaysInRoot(t *testing.T) {
	b := newBundle(t)
	shell(t, "cd "+b.dir+"; mkdir src rootfs/mnt; echo mine >rootfs/etc/hostname; ln -s /etc/hostname src/link; "+
		"ln -s /proc/sys src/sys")
	b.mount("/mnt", "bind", b.file("src"), "bind")
	b.mount("/name", "bind", b.file("rootfs/mnt/link"), "bind")
	want(t, b.output("cat /name"), "mine")
	b.mount("/sys-again", "bind", b.file("rootfs/mnt/sys"), "bind")
	b.runFails(t, "fail if it is on procfs")
}

// TestIdmappedSourceInEarlierMount: its owners are mapped; in a user namespace, which has no
// right to do so, it is refused.
func TestIdmappedSourceInEarlierMount(t *testing.T) {
	b := newBundle(t)
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 10}}
	testkit.Check(t, os.Mkdir(b.file("src"), 0o755), os.Mkdir(b.file("rootfs/mnt"), 0o755),
		os.WriteFile(b.file("src/file"), nil, 0o644))
	b.mount("/mnt", "bind", b.file("src"), "bind")
	b.mount("/mapped", "bind", b.file("rootfs/mnt"), "bind", "idmap")
	mapped := &b.spec.Mounts[len(b.spec.Mounts)-1]
	mapped.UIDMappings, mapped.GIDMappings = ids, ids
	out := b.output("stat -c %u:%g /mnt/file /mapped/file")
	if strings.Contains(out, "has no idmapped mounts") {
		t.Skip("an idmapped tmpfs needs Linux 6.3")
	}
	want(t, out, "0:0\n1000:1000")
	b.mapRoot(t, 100000)
	b.runFails(t, `option "idmap": the source is in an earlier mount, and the container has a user namespace`)
}

// TestMountinfoInOrderOfConfig: programs take the last line about a directory for the mount
// that is on top.
func TestMountinfoInOrderOfConfig(t *testing.T) {
	b := newBundle(t)
	b.mount("/first", "tmpfs", "tmpfs")
	b.mount("/second", "bind", b.tree(t, "src"), "bind")
	b.mount("/third", "tmpfs", "tmpfs")
	b.mount("/third", "bind", b.file("src"), "bind")
	b.mount("/last", "tmpfs", "tmpfs")
	want(t, b.output("cut -d' ' -f4,5 /proc/self/mountinfo | grep -E ' /(first|second|third|last)$'"),
		"/ /first\n/src /second\n/ /third\n/src /third\n/ /last")
}

// TestMaskedDirectoriesShareTmpfs: one filesystem covers all of them, each once, and nothing
// can be written there. Files and paths that do not exist may be between them.
func TestMaskedDirectoriesShareTmpfs(t *testing.T) {
	b := newBundle(t)
	shell(t, "cd "+b.file("rootfs")+"; mkdir a b c; touch a/secret b/secret c/secret file")
	b.mount("/dev", "tmpfs", "tmpfs")
	b.spec.Linux.MaskedPaths = []string{"/none", "/a", "/file", "/b", "/a/", "/file", "/c"}
	want(t, b.output("ls /a /b /c; n=$(stat -c %d /a); stat -c %d /a /b /c | grep -c $n; "+
		"grep -cE ' /(a|b|c|file) ' /proc/self/mountinfo; touch /c/new"),
		"/a:\n\n/b:\n\n/c:\n3\n4\ntouch: /c/new: Read-only file system")
}

// TestRecursiveBindStays: bind after rbind takes no mounts away.
func TestRecursiveBindStays(t *testing.T) {
	b := newBundle(t)
	b.mount("/bind", "none", b.tree(t, "src"), "rbind", "nosuid", "bind")
	want(t, b.output(see+"see /bind/below"), "rw,relatime -")
}

// TestTmpfsInheritsMode: without an option, that of the directory it covers.
func TestTmpfsInheritsMode(t *testing.T) {
	b := newBundle(t)
	testkit.Check(t, os.Mkdir(b.file("rootfs/closed"), 0o700))
	b.mount("/closed", "tmpfs", "tmpfs")
	b.mount("/new", "tmpfs", "tmpfs")
	b.mount("/option", "tmpfs", "tmpfs", "mode=711")
	want(t, b.output("stat -c %a /closed /new /option"), "700\n1777\n711")
}

// TestRemount: remount changes an earlier mount of the config, and no other.
func TestRemount(t *testing.T) {
	b := newBundle(t)
	b.mount("/bind", "none", b.tree(t, "src"), "bind", "nosuid")
	b.mount("/bind", "none", "", "remount", "bind", "ro")
	b.mount("/tmp", "tmpfs", "tmpfs", "nosuid")
	b.mount("/tmp", "tmpfs", "tmpfs", "remount", "noexec", "size=8k")
	want(t, b.output(see+"see /bind; see /tmp; cat /bin/busybox 2>&1 > /tmp/big || echo full"),
		"ro,nosuid,relatime -\nrw,nosuid,noexec,relatime -\ncat: write error: No space left on device\nfull")
	b.spec.Mounts = b.spec.Mounts[:1]
	b.mount("/etc", "none", "", "remount", "bind", "ro")
	b.runFails(t, "hint: put remount after the entry of mounts")
}

// TestSuperblockOptions: mountinfo shows the options of a filesystem.
func TestSuperblockOptions(t *testing.T) {
	b := newBundle(t)
	b.mount("/fs", "tmpfs", "tmpfs", "sync", "dirsync", "lazytime", "mand", "silent", "iversion", "size=64k")
	b.mount("/back", "tmpfs", "tmpfs", "sync", "lazytime", "async", "nolazytime", "nomand", "loud", "noiversion",
		"size=64k")
	options := b.output("grep -E ' /(fs|back) ' /proc/self/mountinfo | cut -d' ' -f10")
	want(t, strings.ReplaceAll(options, ",inode64", ""), "rw,sync,dirsync,mand,lazytime,size=64k\nrw,size=64k")
}

// TestPropagationInMountinfo: of a filesystem, of a bind mount, and of the mount below
// that. The source is shared.
func TestPropagationInMountinfo(t *testing.T) {
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
			b := newBundle(t)
			options := []string{test.options}
			if !strings.HasSuffix(test.options, "bind") {
				options = append(options, "rbind")
			}
			b.mount("/bind", "none", b.tree(t, "src"), options...)
			if test.fs != "" {
				b.mount("/fs", "tmpfs", "tmpfs", test.options)
			}
			wanted := ""
			for _, propagation := range []string{test.fs, test.bind, test.below} {
				if propagation != "" {
					wanted += "rw,relatime " + propagation + "\n"
				}
			}
			want(t, b.output(see+"see /fs; see /bind; see /bind/below"), strings.TrimSpace(wanted))
		})
	}
}

// TestMountEvents: a later mount of the host propagates to the container, and one of
// the container to the host, as the options say.
func TestMountEvents(t *testing.T) {
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
			b := newBundle(t)
			testkit.Check(t, os.MkdirAll(b.file("src/host"), 0o755), os.Mkdir(b.file("src/container"), 0o755))
			b.mount("/lent", "none", b.file("src"), strings.Split(test.options, ",")...)
			b.spec.Linux.RootfsPropagation = test.root
			rest := b.outputAround(t, "mount -t tmpfs none /lent/container; touch /lent/container/mark; echo made; "+
				"read x; ls /lent/host", func() {
				if _, err := os.Stat(b.file("src/container/mark")); (err == nil) != test.out {
					t.Errorf("the container's mount, on the host: %v", err)
				}
				mountMark(t, b.file("src/host"))
			})
			if (rest == "mark") != test.in {
				t.Errorf("the host's mount, in the container: %q", rest)
			}
		})
	}
}

// mountMark mounts a tmpfs with a file "mark".
func mountMark(t *testing.T, dir string) {
	t.Helper()
	testkit.Check(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""), os.WriteFile(dir+"/mark", nil, 0o644))
}

// TestRootfsPropagation: as the validation program of runtime-tools tests it; and a
// slave root receives later mounts of the host.
func TestRootfsPropagation(t *testing.T) {
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
			b := newBundle(t)
			b.spec.Linux.RootfsPropagation = test.propagation
			b.spec.Linux.ReadonlyPaths = []string{"/etc"}
			testkit.Check(t, os.Mkdir(b.file("rootfs/copy"), 0o755), os.Mkdir(b.file("rootfs/from"), 0o755),
				os.Mkdir(b.file("rootfs/to"), 0o755), os.WriteFile(b.file("rootfs/from/mark"), nil, 0o644))
			out := b.output(see + "see /; mount -o rbind / /copy; mount -o bind /from /to; ls /copy/to; ")
			info, _, _ := strings.Cut(out, "\n")
			want(t, info, "rw,relatime "+test.info)
			if copied := strings.HasSuffix(out, "mark"); copied != test.copied {
				t.Errorf("a bind mount of the root receives its mounts: %v", copied)
			}
			rest := b.outputAround(t, "echo; read x; ls /lent", func() { mountMark(t, b.file("rootfs/lent")) })
			if (rest == "mark") != test.seen {
				t.Errorf("the host's mount in the root, in the container: %q", rest)
			}
		})
	}
	for _, propagation := range []string{"unbindable", "runbindable"} {
		b := newBundle(t)
		b.spec.Linux.RootfsPropagation = propagation
		b.spec.Linux.ReadonlyPaths = []string{"/etc"}
		if out := b.output("mount -o rbind / /lent"); !strings.Contains(out, "Invalid argument") {
			t.Errorf("%s: a bind mount of the root: %s", propagation, out)
		}
	}
}

// TestRootfsPropagationWithHooks: hooks delay pivot_root(2), which refuses a shared
// root.
func TestRootfsPropagationWithHooks(t *testing.T) {
	b := newBundle(t)
	b.spec.Linux.RootfsPropagation = "shared"
	b.spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
	info, _, _ := strings.Cut(b.output(see+"see /"), "\n")
	want(t, info, "rw,relatime shared")
}
