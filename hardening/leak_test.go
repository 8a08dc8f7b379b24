package hardening

// Leaks, a full disk, and two commands at once.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

const many = 200

// exits runs a container that exits with code n%256, and returns what is wrong.
func exits(n int) error {
	want := n % 256
	r := run(command("minictr", "run", "--rm", "box", "sh", "-c", fmt.Sprintf("echo %d; exit %d", n, want)))
	if r.code != want || r.stdout != fmt.Sprintln(n) || r.stderr != "" {
		return fmt.Errorf("run %d: %+v", n, r)
	}
	return nil
}

// TestTwoHundredInARow: each exit code is right, and nothing is left.
func TestTwoHundredInARow(t *testing.T) {
	guard(t)
	for n := range many {
		testkit.Check(t, exits(n))
	}
}

// TestTwoHundredAtOnce is the same with all containers at the same time.
func TestTwoHundredAtOnce(t *testing.T) {
	guard(t)
	start, failed := make(chan struct{}), make(chan error, many)
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			<-start
			failed <- exits(n)
		})
	}
	close(start)
	all.Wait()
	for range many {
		testkit.Check(t, <-failed)
	}
}

// TestFailuresInARow: a run that fails at any step leaves nothing.
func TestFailuresInARow(t *testing.T) {
	guard(t)
	for range 5 {
		for _, words := range [][]string{
			{"--", "/no/such/program"}, {"-w", "/etc/passwd", "--", "true"}, {"-v", "/no/such:/x", "--", "true"},
			{"-v", "/tmp:/etc/passwd", "--", "true"}, {"-u", "nobodyknows", "--", "true"}, {"--tmpfs",
				"/x:size=nonsense", "--", "true"},
			{"--sysctl", "net.ipv4.no_such=1", "--", "true"}, {"--cidfile", "/no/such/directory/file", "--", "true"},
		} {
			if r := box(t, append([]string{"--name", "failure"}, words...)...); r.code < exitFailure || r.code > 127 {
				t.Errorf("%q: exit code %d, want a failure: %s", words, r.code, r.stderr)
			}
		}
	}
}

// TestOneNameTwoCommands: of commands that ask for a name at the same time one gets it,
// and the others are told so.
func TestOneNameTwoCommands(t *testing.T) {
	guard(t)
	const rivals = 4
	for range 10 {
		theirs, ours, err := os.Pipe() // the winner keeps the name until all others have asked
		testkit.Check(t, err)
		results := make(chan result, rivals)
		for range rivals {
			go func() {
				cmd := command("minictr", "run", "--rm", "-i", "--name", "only", "box", "cat")
				cmd.Stdin = theirs
				results <- run(cmd)
			}()
		}
		won := 0
		for n := range rivals {
			if n == rivals-1 {
				ours.Close()
			}
			switch r := <-results; {
			case r.code == 0:
				won++
			case r.code != exitFailure || !strings.Contains(r.stderr, `name "only": in use by another container`):
				t.Errorf("%+v", r)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d commands had the name", won, rivals)
		}
		theirs.Close()
	}
}

// TestOneImageTwoLoads: an image that several commands load and remove at once is
// complete or not there.
func TestOneImageTwoLoads(t *testing.T) {
	guard(t)
	data, err := archive("rivals:latest", ocispec.ImageConfig{}, []entry{file("data/mark", 0o644, "whole\n")})
	testkit.Check(t, err)
	var all sync.WaitGroup
	for n := range 12 {
		all.Go(func() {
			switch n % 3 {
			case 0:
				if r := load(data); r.code != 0 {
					t.Errorf("load: %+v", r)
				}
			case 1:
				if r := run(command("minictr", "rmi", "-f", "rivals")); r.code != 0 {
					t.Errorf("rmi: %+v", r)
				}
			default:
				r := run(command("minictr", "run", "--rm", "rivals", "cat", "/data/mark"))
				if r.code == 0 && r.stdout != "whole\n" || r.code != 0 && r.code != exitFailure {
					t.Errorf("run: %+v", r)
				}
			}
		})
	}
	all.Wait()
	run(command("minictr", "rmi", "-f", "rivals")).want(t, 0)
}

// TestFullDisk: the store is on a disk of a few megabytes. What does not fit is an error
// that says so, and leaves nothing; with space the same command works.
func TestFullDisk(t *testing.T) {
	guard(t)
	disk := t.TempDir()
	testkit.Check(t, unix.Mount("small", disk, "tmpfs", 0, "size=12m"))
	defer unix.Unmount(disk, unix.MNT_DETACH)
	on := func(words ...string) *exec.Cmd {
		return exec.Command(filepath.Join(bin, "minictr"), append([]string{"--root", disk}, words...)...)
	}
	small, err := archive("small:latest", ocispec.ImageConfig{Env: []string{"PATH=/bin"}})
	testkit.Check(t, err)
	large, err := archive("large:latest", ocispec.ImageConfig{Env: []string{"PATH=/bin"}},
		[]entry{file("large", 0o644, strings.Repeat("x", 24<<20))})
	testkit.Check(t, err)
	loading := func(data []byte) result {
		cmd := on("load")
		cmd.Stdin = bytes.NewReader(data)
		return run(cmd)
	}
	loading(small).want(t, 0)
	used := usedBytes(t, disk)
	loading(large).refused(t, "no space left on device")
	if r := run(on("images", "-q")); strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("images after a load that did not fit: %+v", r)
	}
	loading(small).want(t, 0) // and what was left is removed
	if now := usedBytes(t, disk); now > used {
		t.Errorf("%d bytes are used, %d were", now, used)
	}
	run(on("run", "--rm", "small", "sh", "-c", "dd if=/dev/zero of=/file bs=1M count=20")).want(t, 1)
	filler := filepath.Join(disk, "filler")
	if f, err := os.Create(filler); err == nil {
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		f.Close()
	}
	run(on("run", "--rm", "--name", "full", "small", "true")).refused(t, "no space left on device")
	testkit.Check(t, os.Remove(filler))
	run(on("run", "--rm", "--name", "full", "small", "true")).want(t, 0)
	for _, dir := range []string{"containers", "names", "tmp"} {
		if left, _ := os.ReadDir(filepath.Join(disk, dir)); len(left) != 0 {
			t.Errorf("left in %s: %v", dir, left)
		}
	}
}

func usedBytes(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Statfs_t
	testkit.Check(t, unix.Statfs(path, &st))
	return (st.Blocks - st.Bfree) * uint64(st.Bsize)
}
