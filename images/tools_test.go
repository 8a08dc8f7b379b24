package images

// The store loads what podman, skopeo, umoci and the library of crane write, and they
// read the store.

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	crane "github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/minictr/minictr/internal/testkit"
)

const testOne = "docker.io/library/test:one"

// shortDir returns a directory as podman needs it: a path of at most 50 bytes without
// upper case.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "minictr-")
	testkit.Check(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// shell runs a script in dir, if the tools are installed.
func shell(t *testing.T, dir, script string, tools ...string) string {
	t.Helper()
	testkit.NeedTool(t, tools...)
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// podman with a store of its own, which mounts nothing
const podman = "podman --cgroup-manager cgroupfs --storage-driver vfs --root $PWD/root --runroot $PWD/run"

func TestWrittenByOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other programs")
	}
	base := writeTemp(t, dockerArchive(testOne, tarOf("a", "1", "b", "1"), tarOf("a", "2")).tar())
	skopeo := func(to string) string { return "skopeo copy -q docker-archive:" + base + " " + to }
	save := func(format string) string {
		return podman + " load -q -i " + base + "; " + podman + " save -q --format " + format + " -o out " + testOne
	}
	for name, tt := range map[string]struct{ tool, script string }{
		"podman save, docker-archive": {"podman", save("docker-archive")},
		"podman save, oci-archive":    {"podman", save("oci-archive")},
		"podman save, oci-dir":        {"podman", save("oci-dir")},
		"podman save, gzip":           {"podman", save("docker-archive") + "; gzip -c out >out.gz; mv out.gz out"},
		"skopeo copy docker-archive":  {"skopeo", skopeo("docker-archive:out:" + testOne)},
		"skopeo copy oci":             {"skopeo", skopeo("oci:out:" + testOne)},
		"skopeo copy oci-archive":     {"skopeo", skopeo("oci-archive:out:" + testOne)},
		"skopeo copy oci, zstd": {
			"skopeo", skopeo("--dest-compress --dest-compress-format zstd oci:out:" + testOne)},
		"umoci repack": {"umoci", "skopeo copy -q docker-archive:" + base + " oci:out:base; " +
			"umoci unpack --image out:base bundle; printf 2 >bundle/rootfs/c; " +
			"umoci repack --image out:" + testOne + " bundle; umoci rm --image out:base"},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t), shortDir(t)
			shell(t, dir, tt.script, tt.tool, "skopeo")
			mustLoad(t, s, filepath.Join(dir, "out"))
			wantFile(t, s, mustImage(t, s, testOne), "/a", "2")
			checkWhole(t, s)
		})
	}
}

func TestReadByOthers(t *testing.T) {
	testkit.NeedRoot(t)
	s, err := Open(shortDir(t))
	testkit.Check(t, err)
	loadDocker(t, s, testOne, tarOf("a", "1"), tarOf("a", "2"))
	image := mustImage(t, s, testOne)
	here := s.root + ":" + testOne
	for name, tt := range map[string]struct{ tool, script, want string }{
		"skopeo inspect": {"skopeo", "skopeo inspect oci:" + here, image.Layers[1].String()},
		"skopeo copy": {
			"skopeo", "skopeo copy -q oci:" + here + " docker-archive:out:x; tar xOf out manifest.json",
			image.ID.Encoded()},
		"podman pull":  {"podman", podman + " pull -q oci:" + here, image.ID.Encoded()},
		"umoci ls":     {"umoci", "umoci ls --layout " + s.root, testOne},
		"umoci unpack": {"umoci", "umoci unpack --image " + here + " bundle; cat bundle/rootfs/a", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			if out := shell(t, shortDir(t), tt.script, tt.tool); !strings.Contains(out, tt.want) {
				t.Errorf("got %q, want %q in it", out, tt.want)
			}
			checkWhole(t, s)
		})
	}
}

// crane, which verifies every digest, validates the store; both read what the other
// writes.
func TestCrane(t *testing.T) {
	s := newStore(t)
	b := archive{} // with gzip layers, the only ones that validate knows
	b.index(as(b.image(tarOf("a", "1")), testOne))
	mustLoad(t, s, b.dir(t))
	// crane validates the store
	index, err := layout.ImageIndexFromPath(s.root)
	testkit.Check(t, err)
	testkit.Check(t, validate.Index(index))
	// what crane reads of the store, it writes as a tar and as a layout
	path, err := layout.FromPath(s.root)
	testkit.Check(t, err)
	hash, err := v1.NewHash(mustImage(t, s, testOne).Manifest.String())
	testkit.Check(t, err)
	image, err := path.Image(hash)
	testkit.Check(t, err)
	tag, err := name.NewTag("test:one")
	testkit.Check(t, err)
	dir := t.TempDir()
	testkit.Check(t, crane.WriteToFile(filepath.Join(dir, "crane.tar"), tag, image))
	if _, err := layout.Write(filepath.Join(dir, "crane"), index); err != nil {
		t.Fatal(err)
	}
	// the store loads both
	for _, src := range []string{"crane.tar", "crane"} {
		other := newStore(t)
		mustLoad(t, other, filepath.Join(dir, src))
		wantFile(t, other, mustImage(t, other, testOne), "/a", "1")
		checkWhole(t, other)
	}
}
