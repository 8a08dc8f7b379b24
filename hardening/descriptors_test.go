package hardening

// Rows 1 and 2: a descriptor of the host, a working directory outside the root and the
// program file of minictr each lead out of the container past its mount namespace.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// TestProgramUnreachableDuringSetup: a container with the host's PID namespace looks at
// another one during setup, after that has dropped its capabilities and before execve.
// It must not reach the file of minictr, which it could write to later.
func TestProgramUnreachableDuringSetup(t *testing.T) {
	guard(t)
	outer := traced(t, command("minictr", "run", "--rm", "box", "true"), "seccomp:delay_enter=1000000:when=1")
	testkit.Check(t, outer.Start())
	awaitStop(unix.SYS_SECCOMP, nil)
	r := box(t, "--pid", "host", "--", "/probe", "exes")
	outer.Wait()
	r.want(t, 0)
	if !strings.Contains(r.stdout, "minictr: ") || strings.Contains(r.stdout, "minictr: ok") {
		t.Errorf("want the programs of minictr to be seen, and refused:\n%s", r.stdout)
	}
}

// leak opens the canary in this process, to be inherited.
func leak(t *testing.T) []*os.File {
	t.Helper()
	var files []*os.File
	for _, name := range []string{"", "file", "secret"} {
		f, err := os.Open(filepath.Join(canary, name))
		testkit.Check(t, err)
		t.Cleanup(func() { f.Close() })
		files = append(files, f)
	}
	return files
}

// TestNoDescriptorLeaks: descriptors that the caller left open, and minictr's own, are
// closed in the container.
func TestNoDescriptorLeaks(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "fds")
	for what, prepare := range map[string]func() result{
		"minictr": func() result {
			cmd := command("minictr", boxArgs("/probe", "fds")...)
			cmd.ExtraFiles = leak(t)
			return run(cmd)
		},
		"minictr-oci": func() result { return b.run(t, leak(t)...) },
	} {
		r := prepare()
		r.want(t, 0)
		for line := range strings.Lines(r.stdout) {
			if n, _, _ := strings.Cut(line, ":"); n != "0" && n != "1" && n != "2" {
				t.Errorf("%s: the container has descriptor %s", what, line)
			}
		}
		if strings.Count(r.stdout, "\n") != 3 {
			t.Errorf("%s: want the three standard streams and nothing else:\n%s", what, r.stdout)
		}
	}
}

// hostFDs is the end of the descriptor numbers that may lead to the host during setup: first the
// caller's, then minictr's.
const hostFDs = 24

// TestWorkdirThroughProcFdRefused: /proc/self/fd/N as working directory, from a flag,
// the image, or a link in its root.
func TestWorkdirThroughProcFdRefused(t *testing.T) {
	guard(t)
	var links []entry
	for n := range hostFDs {
		links = append(links, link(fmt.Sprintf("door%d", n), fmt.Sprintf("/proc/self/fd/%d", n)))
	}
	image := hostile(t, ocispec.ImageConfig{WorkingDir: "/door5"}, links...)
	tried := map[string][]string{"by the image": nil}
	for n := range hostFDs {
		tried[fmt.Sprintf("number %d", n)] = []string{"-w", fmt.Sprintf("/proc/self/fd/%d", n)}
		tried[fmt.Sprintf("link to number %d", n)] = []string{"-w", fmt.Sprintf("/door%d", n)}
	}
	tried["root"] = []string{"-w", "/proc/1/root"}
	tried["cwd"] = []string{"-w", "/proc/self/cwd"}
	for what, flags := range tried {
		cmd := command("minictr",
			append(append([]string{"run", "--rm", "-v", filepath.Join(bin, "probe") + ":/probe:ro"}, flags...), image,
				"/probe", "cwd")...)
		cmd.ExtraFiles = leak(t)
		r := run(cmd)
		r.untouched(t)
		if r.code != exitFailure {
			t.Errorf("%s: exit code %d, want a refusal: %s", what, r.code, r.stdout)
		}
		if !strings.Contains(r.stderr, "process.cwd") {
			t.Errorf("%s: the error does not say that it is about process.cwd: %s", what, r.stderr)
		}
	}
}

// TestBundleWorkdirThroughProcFdRefused is the same for a bundle, whose root is a
// directory of the host with links made before.
func TestBundleWorkdirThroughProcFdRefused(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "cwd")
	for n := range hostFDs {
		b.replace(t, "door", fmt.Sprintf("/proc/self/fd/%d", n))
		for _, cwd := range []string{"/door", "/door/..", fmt.Sprintf("/proc/self/fd/%d", n),
			fmt.Sprintf("/proc/1/fd/%d/..", n)} {
			b.spec.Process.Cwd = cwd
			r := b.run(t, leak(t)...)
			r.untouched(t)
			if filepath.Clean(cwd) != "/" {
				r.refused(t, "process.cwd")
			}
		}
	}
}

// TestWorkdirLinksStayInRoot: links inside the root are followed, and getcwd lies in the
// root.
func TestWorkdirLinksStayInRoot(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{}, link("here", "/data"), link("up", "../../../../.."),
		link("tree", "/up/data"))
	for cwd, want := range map[string]string{
		"/here": "/data", "/up": "/", "/up/up/tmp": "/tmp", "/tree": "/data",
		"/new/directory": "/new/directory", "/../../tmp": "/tmp", "/here/more": "/data/more",
	} {
		r := run(command("minictr", "run", "--rm", "-v", filepath.Join(bin, "probe")+":/probe:ro", "-w", cwd, image,
			"/probe", "cwd"))
		r.want(t, 0)
		r.untouched(t)
		testkit.Equal(t, "-w "+cwd, r.line("cwd"), want)
	}
}

// TestNoHostDirectoryMadeThroughProc: a missing working directory or mount point is
// created in the root, not on the host through a link.
func TestNoHostDirectoryMadeThroughProc(t *testing.T) {
	guard(t)
	b := newBundle(t, "true")
	kernel := b.spec.Mounts
	for n := 3; n < 10; n++ {
		b.replace(t, "door", fmt.Sprintf("/proc/self/fd/%d", n))
		b.spec.Process.Cwd, b.spec.Mounts = "/door/cwd", kernel
		b.run(t, leak(t)...).refused(t)
		b.spec.Process.Cwd = "/"
		b.spec.Mounts = append(kernel[:len(kernel):len(kernel)], specs.Mount{Destination: "/door/mount", Type: "tmpfs",
			Source: "tmpfs"})
		b.run(t, leak(t)...).refused(t)
	}
}
