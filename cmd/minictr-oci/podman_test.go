package main

import (
	"fmt"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// Podman has no daemon: each command is a process, and a conmon stays with each
// container. Runtimes are registered in containers.conf. Limits are set because podman
// would raise its own, which not each host allows; without a stop time-out `rm -f` kills
// at once.
const containersConf = `
[containers]
netns = "none"
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
init_path = "/usr/bin/tini-static"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
stop_timeout = 0
runtime = "minictr"
runtime_supports_json = ["minictr"]
[engine.runtimes]
minictr = [%q]
`

func TestPodman(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "podman", "conmon")
	conf := m.write("containers.conf", fmt.Sprintf(containersConf, m.build()), 0o644)
	for _, name := range []string{"podman", "engine"} {
		m.wrap(name, fmt.Sprintf("CONTAINERS_CONF=%s podman --root %s --runroot /run/podman", conf, m.path("store")))
	}
	m.command("podman", "load", "-q", "-i", testkit.DemoImage(t))
	m.command("podman", "run", "--rm", "demo", "true") // creates what all containers share
	m.leavesNothing(m.path("store/overlay"))           // sometimes a mount onto itself
	m.scripts("cli", "podman")
}
