package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing/fstest"

	"github.com/minictr/minictr/container/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func (i *instance) writeBundle() error {
	options := &config.Options{Command: []string{"/bin/workload", address}, Volumes: []string{i.dir + ":" + inside}}
	bundles := filepath.Join(i.vars["dir"], "bundles")
	dir := filepath.Join(bundles, i.id)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return WriteBundle(dir, i.id, filepath.Join(bundles, "rootfs"), options)
}

// WriteBundle writes an OCI bundle into a directory. The config is what minictr
// makes of the options, without device rules and limits: crun 1.8 raises a limit
// for them that not every computer allows to be raised.
func WriteBundle(dir, id, rootfs string, options *config.Options) error {
	host := config.Host{ID: id, FilesDir: dir, Arch: runtime.GOARCH}
	spec, _, err := config.Config(options, ocispec.Image{}, fstest.MapFS{}, host)
	if err != nil {
		return err
	}
	files, err := config.HostFiles(options, host)
	if err != nil {
		return err
	}
	spec.Version = "1.0.2" // the newest that crun 1.8 knows
	spec.Root.Path = rootfs
	spec.Linux.Resources, spec.Linux.CgroupsPath = nil, ""
	if files["config.json"], err = json.MarshalIndent(spec, "", "\t"); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
