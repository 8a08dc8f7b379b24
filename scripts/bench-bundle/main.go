// Bench-bundle writes the bundle that runtimes are compared with: bench-bundle
// DIR makes DIR/config.json for the root filesystem in DIR/rootfs.
//
// It is what every container gets: all namespaces, the usual mounts, Docker's
// seccomp profile. Device rules are left out, because crun 1.8 raises a limit
// for them that not every machine lets it raise.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"testing/fstest"

	"github.com/minictr/minictr/container/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	dir, err := filepath.Abs(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	host := config.Host{ID: "bench", FilesDir: dir, Arch: runtime.GOARCH}
	options := &config.Options{Command: []string{"/bin/true"}}
	spec, err := config.Config(options, ocispec.Image{}, fstest.MapFS{}, host)
	if err != nil {
		log.Fatal(err)
	}
	files, err := config.HostFiles(options, host)
	if err != nil {
		log.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	spec.Version = "1.0.2" // what crun 1.8 knows
	spec.Linux.Resources = nil
	spec.Linux.CgroupsPath = ""
	data, err := json.MarshalIndent(spec, "", "\t")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
		log.Fatal(err)
	}
}
