package images

// What others write is read here, and what is here others read: podman,
// skopeo, umoci, and the library that crane is made of.

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
)

const testOne = "docker.io/library/test:one"

// shortDir is a directory whose path is as podman wants it: of at most 50 bytes,
// none of them a capital letter.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "minictr-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// shell runs a script in dir, if its tools are installed.
func shell(t *testing.T, dir, script string, tools ...string) string {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed: apt install " + tool)
		}
	}
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// podman has a store of its own, which mounts nothing.
const podman = "podman --cgroup-manager cgroupfs --storage-driver vfs --root $PWD/root --runroot $PWD/run"

func TestWrittenByOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs other programs")
	}
	base := writeTemp(t, dockerArchive(t, testOne, tarOf(t, map[string]string{"a": "1", "b": "1"}), tarOf(t, map[string]string{"a": "2"})).tar(t))
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
		"skopeo copy oci, zstd":       {"skopeo", skopeo("--dest-compress --dest-compress-format zstd oci:out:" + testOne)},
		"umoci repack": {"umoci", "skopeo copy -q docker-archive:" + base + " oci:out:base; " +
			"umoci unpack --image out:base bundle; printf 2 >bundle/rootfs/c; umoci repack --image out:" + testOne + " bundle; umoci rm --image out:base"},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t), shortDir(t)
			shell(t, dir, tt.script, tt.tool, "skopeo")
			mustLoad(t, s, filepath.Join(dir, "out"))
			checkText(t, s, "/a", "2")
			checkWhole(t, s)
		})
	}
}

func checkText(t *testing.T, s *Store, path, want string) {
	t.Helper()
	image, err := s.Image(testOne)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Layers().Open(image.Layers, path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var text [100]byte
	if n, _ := f.Read(text[:]); string(text[:n]) != want {
		t.Errorf("%s has %q, want %q", path, text[:n], want)
	}
}

func TestReadByOthers(t *testing.T) {
	needRoot(t)
	s, err := Open(shortDir(t))
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, s, writeTemp(t, dockerArchive(t, testOne, tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"a": "2"})).tar(t)))
	image, err := s.Image(testOne)
	if err != nil {
		t.Fatal(err)
	}
	here := s.root + ":" + testOne
	for name, tt := range map[string]struct{ tool, script, want string }{
		"skopeo inspect": {"skopeo", "skopeo inspect oci:" + here, image.Layers[1].String()},
		"skopeo copy":    {"skopeo", "skopeo copy -q oci:" + here + " docker-archive:out:x; tar xOf out manifest.json", image.ID.Encoded()},
		"podman pull":    {"podman", podman + " pull -q oci:" + here, image.ID.Encoded()},
		"umoci ls":       {"umoci", "umoci ls --layout " + s.root, testOne},
		"umoci unpack":   {"umoci", "umoci unpack --image " + here + " bundle; cat bundle/rootfs/a", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			if out := shell(t, shortDir(t), tt.script, tt.tool); !strings.Contains(out, tt.want) {
				t.Errorf("got %q, want %q in it", out, tt.want)
			}
			checkWhole(t, s)
		})
	}
}

// crane, which knows every rule there is about digests, finds nothing wrong
// with the store, and reads and writes what minictr writes and reads.
func TestCrane(t *testing.T) {
	s := newStore(t)
	b := archive{} // with gzip layers, since validate knows no others
	b.index(t, as(b.image(t, tarOf(t, map[string]string{"a": "1"})), testOne))
	mustLoad(t, s, b.dir(t))
	index, err := layout.ImageIndexFromPath(s.root)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(s.root)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := v1.NewHash(list[0].Manifest.String())
	if err != nil {
		t.Fatal(err)
	}
	image, err := path.Image(hash)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("test:one")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := crane.WriteToFile(filepath.Join(dir, "crane.tar"), tag, image); err != nil {
		t.Fatal(err)
	}
	if _, err := layout.Write(filepath.Join(dir, "crane"), index); err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{"crane.tar", "crane"} {
		other := newStore(t)
		mustLoad(t, other, filepath.Join(dir, src))
		checkText(t, other, "/a", "1")
		checkWhole(t, other)
	}
}
