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
runtime_supports_nocgroup = ["minictr"]
[engine.runtimes]
minictr = [%q]
`

// podmanScript runs podman. Its rm fails if another podman, one that cleans up after a process
// of the container, uses the container's shm at that moment: then it is run again. The first may
// have removed the container all the same, so a container that does not exist is no error then.
const podmanScript = `#!/bin/sh
export CONTAINERS_CONF=%s
podman="podman --root %s --runroot /run/podman"
[ "$1" = rm ] || exec $podman "$@"
shift
exec 3>&1
for again in '' --ignore --ignore --ignore --ignore --ignore; do
	errors=$($podman rm $again "$@" 2>&1 >&3)
	code=$?
	case $errors in *'shm: device or resource busy'*) sleep 0.2 ;; *) break ;; esac
done
[ -z "$errors" ] || echo "$errors" >&2
exit $code
`

func TestPodman(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "podman", "conmon")
	conf := m.write("containers.conf", fmt.Sprintf(containersConf, m.build()), 0o644)
	script := m.write("podman", fmt.Sprintf(podmanScript, conf, m.path("store")), 0o755)
	for _, name := range []string{"podman", "engine"} {
		m.wrap(name, script)
	}
	m.command("podman", "load", "-q", "-i", testkit.DemoImage(t))
	m.command("podman", "run", "--rm", "demo", "true") // creates what all containers share
	m.leavesNothing(m.path("store") + "/")             // podman's own mounts
	m.scripts("cli", "podman")
}
