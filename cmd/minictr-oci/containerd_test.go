package main

import (
	"fmt"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// Containerd with ctr, its simplest client: the runtime is a flag of `ctr run`. (For a
// kubelet it is in config.toml: see README.md.) No CPU shares are set, since not each
// host has that controller.
const configTOML = `
version = 2
root = %q
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/run/containerd/containerd.sock"
`

func TestContainerd(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "containerd", "ctr")
	conf := m.write("config.toml", fmt.Sprintf(configTOML, m.path("store")), 0o644)
	m.wrap("ctr", "ctr")
	run := "run --runtime io.containerd.runc.v2 --cpu-shares 0 --runc-binary " + m.build()
	m.wrap("run", "ctr "+run)
	m.daemon("containerd --config "+conf, "ctr", "version")
	m.command("ctr", "image", "import", testkit.DemoImage(t))
	m.command("run", "--rm", "docker.io/library/demo:latest", "first", "true") // creates what all containers share
	m.leavesNothing()
	m.scripts("containerd")
}
