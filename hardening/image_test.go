package hardening

// Images for the tests, written as docker archives: a layer is a list of tar entries.

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layers are lists of these.
type entry = testkit.Entry

var dir, file, link, node = testkit.Dir, testkit.File, testkit.Link, testkit.Node

// applets are the programs of busybox that the tests use.
const applets = "sh cat ls true false echo id grep sleep pwd stat readlink dd mount umount mknod touch rm head " +
	"tail wc unshare"

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
	for a := range strings.FieldsSeq(applets) {
		layer = append(layer, link("bin/"+a, "busybox"))
	}
	return layer, nil
}

// archive makes a docker archive of busybox and further layers.
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
		data := testkit.Tar(layer...)
		sum := fmt.Sprintf("%x", sha256.Sum256(data))
		image.RootFS.DiffIDs = append(image.RootFS.DiffIDs, digestOf(sum))
		names = append(names, sum+"/layer.tar")
		files = append(files, file(sum+"/layer.tar", 0o644, string(data)))
	}
	configJSON, err := json.Marshal(image)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name},
		"Layers": names}})
	if err != nil {
		return nil, err
	}
	files = append(files, file("config.json", 0o644, string(configJSON)),
		file("manifest.json", 0o644, string(manifest)))
	return testkit.Tar(files...), nil
}

// loadImage loads "box": two layers, the upper one with a whiteout.
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

// hostile loads an image of busybox and layer, which is removed with the test.
func hostile(t *testing.T, config ocispec.ImageConfig, layer ...entry) (name string) {
	t.Helper()
	name = fmt.Sprintf("hostile%x:latest", sha256.Sum256([]byte(t.Name())))[:20]
	config.Env = append(config.Env, "PATH=/bin")
	data, err := archive(name, config, layer)
	testkit.Check(t, err)
	if r := load(data); r.code != 0 {
		t.Fatalf("load the hostile image: %s", r.stderr)
	}
	t.Cleanup(func() { run(command("minictr", "rmi", "-f", name)).want(t, 0) })
	return name
}
