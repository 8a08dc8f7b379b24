package engine

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing/fstest"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/container/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// oci is an OCI runtime: it knows nothing of images, and gets a root
// filesystem and a config. The config is what minictr makes of the same
// image and flags, but for device rules and limits, for which crun 1.8 raises
// a limit that not every machine lets it raise. All containers share
// one root filesystem.
type oci struct {
	program string
	flags   []string
	dir     string
	state   string // lies in memory, as by default
}

func (o *oci) name() string                { return o.program + " run -d" }
func (o *oci) available() error            { return installed(o.program) }
func (o *oci) version() ([]string, string) { return []string{o.program, "--version"}, "version" }
func (o *oci) pureCgroup2()                {}
func (o *oci) store() []string             { return []string{o.dir} }
func (o *oci) close() error                { return os.RemoveAll(o.state) }

func (o *oci) at(scratch string) {
	o.dir = filepath.Join(scratch, "bundles")
	o.state = filepath.Join("/run", strings.ReplaceAll(strings.Trim(scratch, "/"), "/", "-"))
}

func (o *oci) command(words ...string) []string {
	return append(append([]string{o.program, "--root", o.state}, o.flags...), words...)
}

func (o *oci) rootfs() string          { return filepath.Join(o.dir, "rootfs") }
func (o *oci) folder(id string) string { return filepath.Join(o.dir, id) }

func (o *oci) prepare(ctx context.Context, s benchmark.Setup) error {
	bin := filepath.Join(o.rootfs(), filepath.Dir(benchmark.Workload))
	for _, folder := range [...]string{o.state, bin, filepath.Join(o.rootfs(), "proc"), filepath.Join(o.rootfs(), "sys"), filepath.Join(o.rootfs(), "dev")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return output(ctx, "cp", s.Workload, bin)
}

func (o *oci) bundle(id, folder string) error {
	dir := o.folder(id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	host := config.Host{ID: id, FilesDir: dir, Arch: runtime.GOARCH}
	options := &config.Options{Command: serve(), Volumes: []string{folder + ":" + inside}}
	spec, err := config.Config(options, ocispec.Image{}, fstest.MapFS{}, host)
	if err != nil {
		return err
	}
	spec.Version = "1.0.2" // what crun 1.8 knows
	spec.Root.Path = o.rootfs()
	spec.Linux.Resources, spec.Linux.CgroupsPath = nil, ""
	files, err := config.HostFiles(options, host)
	if err != nil {
		return err
	}
	if files["config.json"], err = json.Marshal(spec); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (o *oci) run(id, _ string) []string {
	return o.command("run", "--detach", "--bundle", o.folder(id), id)
}

func (o *oci) exec(id string, argv ...string) []string {
	return append(o.command("exec", id), argv...)
}

func (o *oci) list() []string            { return o.command("list", "--quiet") }
func (o *oci) remove(id string) []string { return o.command("delete", "--force", id) }
