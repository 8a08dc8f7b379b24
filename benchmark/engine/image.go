package engine

import (
	"archive/tar"
	"bytes"
	"io"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
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
