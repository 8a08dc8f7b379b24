package engine

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/minictr/minictr/benchmark"
)

// image is the name of the image: one layer with one file, the workload. It is
// loaded into each engine from the same archive.
const image = "localhost/bench:latest"

// command of the workload in a container.
func serve() []string { return []string{benchmark.Workload, "serve", "unix:" + inside + "/" + socket} }

// writeImage writes the image's archive, as docker save does.
func writeImage(s benchmark.Setup) (file string, err error) {
	layer, err := workloadLayer(s.Workload)
	if err != nil {
		return "", err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	config.Architecture, config.OS, config.Config.Cmd = runtime.GOARCH, "linux", serve()
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return "", err
	}
	tag, err := name.NewTag(image)
	if err != nil {
		return "", err
	}
	file = filepath.Join(s.Scratch, "image.tar")
	return file, tarball.WriteToFile(file, tag, img)
}

func workloadLayer(path string) (v1.Layer, error) {
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range [...]tar.Header{
		{Typeflag: tar.TypeDir, Name: filepath.Dir(benchmark.Workload)[1:] + "/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: benchmark.Workload[1:], Mode: 0o755, Size: int64(len(program))},
	} {
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
}
