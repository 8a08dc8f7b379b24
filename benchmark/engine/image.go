package engine

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/container/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// writeImage writes the archive that is loaded into each engine, as docker save
// does: one layer with one file, the workload.
func writeImage(file string, program []byte) error {
	// the layer
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(rootfs(program)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open)
	if err != nil {
		return err
	}

	// the image
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config.Architecture, config.OS, config.Config.Cmd = runtime.GOARCH, "linux", serve()
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	tag, err := name.NewTag(image)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(file, tag, img)
}

// rootfs returns the files of a container, with more directories.
func rootfs(program []byte, dirs ...string) fstest.MapFS {
	files := fstest.MapFS{benchmark.Workload[1:]: {Data: program, Mode: 0o755}}
	for _, dir := range append(dirs, filepath.Dir(benchmark.Workload)[1:]) {
		files[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	return files
}

// serve returns the command of the workload in a container.
func serve() []string { return []string{benchmark.Workload, "unix:" + inside + "/" + socket} }

func (i *instance) writeBundle() error {
	options := &config.Options{Command: serve(), Volumes: []string{i.dir + ":" + inside}}
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
