package hardening

// Rows 6, 19 and 25: containers write to a volume, and another one mounts a path in it. Images
// choose what is copied into a volume. Neither leads to a file of the host.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// newVolume makes a volume, which is removed with the test, and returns the path of its files.
func newVolume(t *testing.T) string {
	t.Helper()
	run(command("minictr", "volume", "create", "attacked")).want(t, 0)
	t.Cleanup(func() { run(command("minictr", "volume", "rm", "attacked")).want(t, 0) })
	return volume.DataPath(volume.Dir(store), "attacked")
}

// TestSubpathStaysInVolume: links in a volume lead to the canary. A container that mounts such a path
// sees the volume, or fails.
func TestSubpathStaysInVolume(t *testing.T) {
	guard(t)
	data := newVolume(t)
	testkit.Check(t, os.WriteFile(filepath.Join(data, "own"), nil, 0o644))
	for what, to := range canaryPaths() {
		testkit.Check(t, os.Symlink(to, filepath.Join(data, what)))
	}
	for what := range canaryPaths() {
		for _, path := range []string{what, what + "/directory", what + "/file"} {
			r := run(command("minictr", "run", "--rm", "--mount", "src=attacked,dst=/mnt,volume-subpath="+path, "box",
				"sh", "-c", "ls -a /mnt; cat /mnt /mnt/file /mnt/inner; echo new >/mnt/file"))
			r.untouched(t)
			if strings.Contains(r.stdout, "inner") || strings.Contains(r.stdout, "canary of the host") {
				t.Errorf("%s leads to the canary: %+v", path, r)
			}
			os.Remove(filepath.Join(data, "file"))
		}
	}
}

// TestSwappedSubpathStaysInVolume: a path in a volume is replaced by a link to the canary after it was
// opened, before it is mounted.
func TestSwappedSubpathStaysInVolume(t *testing.T) {
	guard(t)
	data := newVolume(t)
	sub, trap := filepath.Join(data, "sub"), filepath.Join(data, "trap")
	testkit.Check(t, os.Mkdir(sub, 0o755), os.WriteFile(filepath.Join(sub, "mark"), nil, 0o644),
		os.Symlink(canary, trap))
	cmd := command("minictr", "run", "--rm", "--mount", "src=attacked,dst=/mnt,volume-subpath=sub", "box", "ls", "/mnt")
	r := swapAt(t, cmd, "open_tree", unix.SYS_OPEN_TREE, 1, sub, trap)
	testkit.Equal(t, "what was opened", r.stdout, "mark\n")
}

// TestImageVolumeCopiesOnlyImage: the volume of an image is a link to the canary, and has links to it: its
// files are those of the image, and its links are copied as links.
func TestImageVolumeCopiesOnlyImage(t *testing.T) {
	guard(t)
	config := ocispec.ImageConfig{Volumes: map[string]struct{}{"/vol": {}, "/links": {}}}
	entries := append(decoy(), link("vol", canary), dir("links", 0o755), link("links/file", canary+"/file"))
	name := ended(t, hostile(t, config, entries...))
	leadsInside(t, name, "/vol/file")
	for _, mount := range strings.Fields(run(command("minictr", "volume", "ls", "-q")).stdout) {
		file := filepath.Join(volume.DataPath(volume.Dir(store), mount), "file")
		st, err := os.Lstat(file)
		testkit.Check(t, err)
		if st.Mode().IsRegular() {
			testkit.Equal(t, "file", testkit.ReadFile(t, file), "decoy\n")
		} else if to, err := os.Readlink(file); err != nil || to != canary+"/file" {
			t.Errorf("%s: %s, %v", file, to, err)
		}
	}
}

// TestVolumeNamesStayInStore: no name of a volume leads out of the directory of volumes.
func TestVolumeNamesStayInStore(t *testing.T) {
	guard(t)
	for _, name := range []string{"..", "../canary", "a/../../canary", "x/y", "-x", "_data", ".new", "a b", "a\nb",
		strings.Repeat("a", 300)} {
		for _, words := range [][]string{
			{"volume", "create", "--", name}, {"volume", "rm", "-f", "--", name}, {"volume", "inspect", "--", name},
			{"run", "--rm", "--mount", `type=volume,dst=/x,"src=` + name + `"`, "box", "true"},
		} {
			r := run(command("minictr", words...))
			r.untouched(t)
			if r.code == 0 {
				t.Errorf("minictr %q: exit code 0", words)
			}
		}
	}
}
