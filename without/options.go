package without

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
)

// firstID is the first of the IDs of the computer that the outer host has, and sizeID their
// number. No account has them: they are above those that systemd gives to containers.
const (
	firstID = 1_900_000_000
	sizeID  = 65536
)

// Options returns the options of a container without parts. What would give it something of
// the computer is an error, and so is what contradicts a part.
func Options(o *config.Options) (*config.Options, error) {
	set := Set(o.Without)
	if len(set) == 0 {
		return o, nil
	}
	for _, c := range set.contradictions(o) {
		if c.holds {
			return nil, hint.New(fmt.Errorf("%s and --without exclude each other: %s", c.flag, c.why), c.hint)
		}
	}
	outer := *o
	outer.Userns = fmt.Sprintf("0:%d:%d", firstID, sizeID)
	return &outer, nil
}

type contradiction struct {
	flag  string
	holds bool
	why   string
	hint  string
}

func (s Set) contradictions(o *config.Options) []contradiction {
	const computers = "the container would get something of this computer"
	user := isUserns(o)
	return []contradiction{
		{"--volume, --mount, --volumes-from", len(o.Volumes)+len(o.Mounts)+len(o.VolumesFrom) > 0, computers,
			"use --tmpfs, or files of the image"},
		{"--device, --device-cgroup-rule", len(o.Devices)+len(o.DeviceRules) > 0, computers, "leave it out"},
		{"--privileged", o.Privileged, computers, "--without capabilities,seccomp,masks"},
		{"--network, --pid, --ipc or --uts host", slices.Contains([]string{o.Network, o.PID, o.IPC, o.UTS}, "host"),
			"the container would share a namespace of this computer", "--without net,pid,ipc,uts"},
		{"--init", o.Init, computers, "leave it out"},
		{"--userns", user && !s.has(userNS), "its root would have no rights on the outer host",
			"leave it out, or add user to the parts"},
		{"a container without --userns", !user && s.has(userNS), "it has no user namespace to leave out",
			"--userns 0:100000:65536 --without user"},
		{"--hostname, --domainname", o.Hostname+o.Domainname != "" && s.has(utsNS),
			"a name of its own needs a UTS namespace", "leave out one of them"},
		{"--sysctl", len(o.Sysctls) > 0 && s.has(proc), "kernel parameters are files in /proc",
			"leave out one of them"},
		{"--sysctl net.…", s.has(netNS) && slices.ContainsFunc(o.Sysctls, isNetwork),
			"a parameter of the network needs a network namespace", "leave out one of them"},
		{"--oom-score-adj", o.OOMScore != nil && s.has(proc), "it is a file in /proc", "leave out one of them"},
		{"--cap-add, --cap-drop", len(o.CapAdd)+len(o.CapDrop) > 0 && s.has(capabilities),
			"without the part it has all capabilities", "leave out one of them"},
		{"--tty", o.TTY && s.has(dev), "a terminal is a file in /dev/pts", "leave out -t, or the part dev"},
		{"limits of resources", isLimited(o.Limits) && s.has(cgroup), "they need a cgroup",
			"leave out the limits, or the part cgroup"},
	}
}

// isUserns reports whether a user namespace is asked for.
func isUserns(o *config.Options) bool { return o.Userns != "" && o.Userns != "host" }

// isNetwork reports whether a kernel parameter belongs to a network namespace.
func isNetwork(sysctl string) bool {
	return strings.HasPrefix(sysctl, "net.") || strings.HasPrefix(sysctl, "net/")
}

// isLimited reports whether a limit is given.
func isLimited(l config.Limits) bool {
	for _, field := range reflect.ValueOf(l).Fields() {
		if field.Kind() == reflect.Slice && field.Len() > 0 || field.Kind() != reflect.Slice && !field.IsZero() {
			return true
		}
	}
	return false
}
