package hardening

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const arch = runtime.GOARCH

func digestOf(hex string) digest.Digest { return digest.NewDigestFromEncoded(digest.SHA256, hex) }

// bundle is a directory with a config.json and a root.
type bundle struct {
	dir, root string
	spec      *specs.Spec
}

var bundles atomic.Int64

// newBundle makes a bundle with the config of `minictr run` for these words, without its
// files in /etc.
func newBundle(t *testing.T, words ...string) *bundle {
	t.Helper()
	b := &bundle{dir: t.TempDir()}
	b.root = filepath.Join(b.dir, "rootfs")
	testkit.Check(t, testkit.Root(b.root, "etc proc sys dev tmp", applets))
	probe := testkit.ReadFile(t, filepath.Join(bin, "probe"))
	testkit.Check(t, os.WriteFile(filepath.Join(b.root, "probe"), []byte(probe), 0o755))
	id := fmt.Sprintf("bundle%d", bundles.Add(1))
	host := config.Host{ID: id, FilesDir: "/nowhere", Arch: arch}
	image := ocispec.Image{Config: ocispec.ImageConfig{Env: []string{"PATH=/bin"}}}
	spec, _, err := config.Config(&config.Options{Command: words}, image, fstest.MapFS{}, host)
	testkit.Check(t, err)
	b.spec = spec
	b.unmount(func(m specs.Mount) bool { return strings.HasPrefix(m.Source, "/nowhere") })
	return b
}

// unmount removes mounts from the config.
func (b *bundle) unmount(which func(specs.Mount) bool) {
	b.spec.Mounts = slices.DeleteFunc(b.spec.Mounts, which)
}

// below reports whether the destination of a mount is dir or below it.
func below(dir string) func(specs.Mount) bool {
	return func(m specs.Mount) bool {
		return m.Destination == dir || strings.HasPrefix(m.Destination, dir+"/")
	}
}

// replace puts a symbolic link in the place of a file of the root.
func (b *bundle) replace(t *testing.T, name, target string) {
	t.Helper()
	path := filepath.Join(b.root, name)
	testkit.Check(t, os.RemoveAll(path))
	testkit.Check(t, os.Symlink(target, path))
}

// run runs the bundle.
func (b *bundle) run(t *testing.T, inherited ...*os.File) result {
	t.Helper()
	return run(b.command(t, inherited...))
}

// command is minictr-oci run with the bundle, with inherited files from descriptor 3 on.
func (b *bundle) command(t *testing.T, inherited ...*os.File) *exec.Cmd {
	t.Helper()
	cmd := b.commandAs(t, b.id())
	cmd.ExtraFiles = inherited
	return cmd
}

// commandAs is command with another ID.
func (b *bundle) commandAs(t *testing.T, id string) *exec.Cmd {
	t.Helper()
	b.save(t)
	return command("minictr-oci", "run", "--bundle", b.dir, "--", id)
}
