package hardening

// Images for the tests, written as docker archives: a layer is a list of tar
// headers, so a hostile one is as easily made as any.

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// entry is a file in a layer.
type entry struct {
	tar.Header
	data []byte
}

func dir(name string, mode int64) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}}
}

func file(name string, mode int64, data string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))}, []byte(data)}
}

func link(name, target string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}}
}

func node(kind byte, name string, major, minor int64) entry {
	return entry{Header: tar.Header{Typeflag: kind, Name: name, Mode: 0o666, Devmajor: major, Devminor: minor}}
}

// applets of busybox that the tests use.
var applets = strings.Fields("sh cat ls true false echo id grep sleep pwd stat readlink dd mount umount mknod touch rm head tail wc")

// busybox is the lowest layer of each image.
func busybox() ([]entry, error) {
	data, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return nil, fmt.Errorf("apt install busybox-static: %w", err)
	}
	if program, err := elf.NewFile(bytes.NewReader(data)); err != nil || program.Section(".interp") != nil {
		return nil, errors.New("/bin/busybox needs libraries: apt install busybox-static")
	}
	layer := []entry{
		dir("bin", 0o755), dir("etc", 0o755), dir("tmp", 0o1777), dir("data", 0o755), dir("gone", 0o755),
		file("bin/busybox", 0o755, string(data)),
		file("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nada:x:1000:100:Ada:/home/ada:/bin/sh\n"),
		file("etc/group", 0o644, "root:x:0:\nusers:x:100:\nwheel:x:10:root,ada\nvideo:x:44:ada\n"),
		file("data/file", 0o644, "lower\n"),
	}
	for _, a := range applets {
		layer = append(layer, link("bin/"+a, "busybox"))
	}
	return layer, nil
}

// archive makes a docker archive of busybox and more layers.
func archive(name string, config ocispec.ImageConfig, more ...[]entry) ([]byte, error) {
	lowest, err := busybox()
	if err != nil {
		return nil, err
	}
	var image ocispec.Image
	image.Architecture, image.OS, image.Config = arch, "linux", config
	image.RootFS.Type = "layers"
	var files []entry
	var names []string
	for _, layer := range append([][]entry{lowest}, more...) {
		data, err := writeTar(layer)
		if err != nil {
			return nil, err
		}
		sum := fmt.Sprintf("%x", sha256.Sum256(data))
		image.RootFS.DiffIDs = append(image.RootFS.DiffIDs, digestOf(sum))
		names = append(names, sum+"/layer.tar")
		files = append(files, file(sum+"/layer.tar", 0o644, string(data)))
	}
	configJSON, err := json.Marshal(image)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": names}})
	if err != nil {
		return nil, err
	}
	return writeTar(append(files, file("config.json", 0o644, string(configJSON)), file("manifest.json", 0o644, string(manifest))))
}

func writeTar(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			return nil, fmt.Errorf("tar entry %q: %w", e.Name, err)
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, fmt.Errorf("tar entry %q: %w", e.Name, err)
		}
	}
	return b.Bytes(), w.Close()
}

// loadImage loads "box": two layers, the upper with a whiteout.
func loadImage() error {
	data, err := archive("box:latest", ocispec.ImageConfig{Env: []string{"PATH=/bin"}},
		[]entry{file(".wh.gone", 0o644, ""), file("data/upper", 0o644, "upper\n")})
	if err != nil {
		return err
	}
	if r := load(data); r.code != 0 {
		return fmt.Errorf("load the image: %s", r.stderr)
	}
	return nil
}

func load(archive []byte) result {
	cmd := command("minictr", "load")
	cmd.Stdin = bytes.NewReader(archive)
	return run(cmd)
}

// hostile loads an image for the length of a test: busybox below, then layer.
func hostile(t *testing.T, config ocispec.ImageConfig, layer ...entry) (name string) {
	t.Helper()
	name = fmt.Sprintf("hostile%x:latest", sha256.Sum256([]byte(t.Name())))[:20]
	config.Env = append(config.Env, "PATH=/bin")
	data, err := archive(name, config, layer)
	if err != nil {
		t.Fatal(err)
	}
	if r := load(data); r.code != 0 {
		t.Fatalf("load the hostile image: %s", r.stderr)
	}
	t.Cleanup(func() { run(command("minictr", "rmi", "-f", name)).want(t, 0) })
	return name
}
