package main

import (
	"fmt"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// Docker has a daemon, dockerd, which starts a containerd, which starts a shim for each
// container. Runtimes are registered in daemon.json.
const daemonJSON = `{
	"runtimes": {"minictr": {"path": %q}},
	"default-runtime": "minictr",
	"exec-opts": ["native.cgroupdriver=cgroupfs"],
	"bridge": "none",
	"iptables": false,
	"hosts": ["unix:///run/docker.sock"],
	"data-root": %q
}`

func TestDocker(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "docker", "dockerd")
	conf := m.write("daemon.json", fmt.Sprintf(daemonJSON, m.build(), m.path("store")), 0o644)
	for _, name := range []string{"docker", "engine"} {
		m.wrap(name, "docker")
	}
	m.daemon("dockerd --config-file "+conf, "docker", "version")
	m.command("docker", "load", "-q", "-i", testkit.DemoImage(t))
	m.command("docker", "run", "--rm", "demo", "true")         // creates what all containers share
	m.leavesNothing("/run/docker/netns", "/run/docker/netns/") // dockerd removes it once a minute
	m.scripts("cli", "docker")
}
