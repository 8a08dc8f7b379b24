// Bench-bundle writes the bundle that runtimes are compared with:
//
//	bench-bundle DIR
//
// makes DIR/config.json for the root filesystem in DIR/rootfs. It is what every
// container gets: all namespaces, the usual mounts, Docker's seccomp profile.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/benchmark/engine"
	"github.com/minictr/minictr/container/config"
)

func main() {
	dir, err := filepath.Abs(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	options := &config.Options{Command: []string{"/bin/true"}}
	if err := engine.WriteBundle(dir, "bench", "rootfs", options); err != nil {
		log.Fatal(err)
	}
}
