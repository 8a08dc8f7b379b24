package main

// Flags of docker and podman that are not implemented. Each is refused by its name, with
// what to do instead, unless its value changes nothing.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// refused is a flag that is not implemented.
type refused struct {
	name     string // with its short form
	harmless string // values that change nothing
	hint     string
}

// yes and no are the harmless values of flags that take none: refused is --NAME, or
// --NAME=false.
const (
	yes = "=true"
	no  = "=false"
)

const (
	noBridge     = "share the host's network: --network host"
	windowsOnly  = "leave it out: docker has it on Windows only"
	cgroupV1Only = "leave it out: cgroup v2 has no such limit"
	byHand       = "leave it out"
)

// notInRun are the flags of docker run, in its order, then those of podman run.
var notInRun = []refused{
	{"cgroup-parent", "minictr /minictr", "set limits of all containers on the cgroup minictr"},
	{"cgroupns", "private", "leave it out: a container has a cgroup namespace of its own"},
	{"cpu-count", "0", windowsOnly},
	{"cpu-percent", "0", windowsOnly},
	{"cpu-rt-period", "0", cgroupV1Only},
	{"cpu-rt-runtime", "0", cgroupV1Only},
	{"disable-content-trust", yes, "leave it out: signatures are not checked"},
	{"detach-keys", "", "minictr run -d -it IMAGE, then: minictr attach --detach-keys KEYS CONTAINER"},
	{"gpus", "", "add the devices: --device /dev/dri, or --device /dev/nvidia0"},
	{"io-maxbandwidth", "0", windowsOnly},
	{"io-maxiops", "0", windowsOnly},
	{"ip", "", noBridge},
	{"ip6", "", noBridge},
	{"isolation", "default", windowsOnly},
	{"kernel-memory", "0", cgroupV1Only},
	{"link", "", noBridge},
	{"link-local-ip", "", noBridge},
	{"mac-address", "", noBridge},
	{"memory-swappiness", "-1", cgroupV1Only},
	{"network-alias", "", noBridge},
	{"net-alias", "", noBridge},
	{"oom-kill-disable", no, "make it less likely: --oom-score-adj -500"},
	{"publish p", "", noBridge},
	{"publish-all P", no, noBridge},
	{"runtime", "minictr", "leave it out, or use this runtime under docker: docs/engines.md"},
	{"sig-proxy", yes, "minictr run -d IMAGE, then: minictr attach --sig-proxy=false CONTAINER"},
	{"storage-opt", "", "limit the disk below --root, as with a quota of its filesystem"},
	{"use-api-socket", no, "leave it out: there is no daemon"},
	{"volume-driver", "local", "mount a directory of the host: --volume ./data:/data"},

	{"arch", "", "--platform linux/ARCH"},
	{"os", "linux", "--platform OS/ARCH"},
	{"variant", "", "--platform linux/ARCH/VARIANT"},
	{"authfile", "", "minictr login"},
	{"cgroups", "enabled", byHand},
	{"chrootdirs", "", "--volume /etc/hosts:DIR/etc/hosts"},
	{"conmon-pidfile", "", byHand},
	{"env-host", no, "copy variables by their names: --env NAME"},
	{"env-merge", "", "--env NAME=VALUE"},
	{"gidmap", "", "--userns CONTAINER:HOST:SIZE"},
	{"uidmap", "", "--userns CONTAINER:HOST:SIZE"},
	{"subgidname", "", "--userns CONTAINER:HOST:SIZE"},
	{"subuidname", "", "--userns CONTAINER:HOST:SIZE"},
	{"health-on-failure", "none", "--restart, and a check that ends the program"},
	{"hostuser", "", "--volume FILE:/etc/passwd"},
	{"http-proxy", no, "--env http_proxy --env https_proxy --env no_proxy"},
	{"image-volume", "bind anonymous", "--tmpfs PATH"},
	{"init-path", "", "--entrypoint INIT, and --volume INIT:INIT:ro"},
	{"no-hosts", no, "--volume FILE:/etc/hosts"},
	{"passwd", no, byHand},
	{"passwd-entry", "", "--volume FILE:/etc/passwd"},
	{"personality", "", "setarch PERSONALITY COMMAND"},
	{"pidfile", "", "minictr inspect -f '{{.State.Pid}}' CONTAINER"},
	{"pod", "", "share namespaces with the host: --network host"},
	{"pod-id-file", "", byHand},
	{"preserve-fds", "0", "--volume /dev/fd/N:FILE, or use standard input"},
	{"read-only-tmpfs", no, "--tmpfs /run --tmpfs /tmp"},
	{"replace", no, "minictr rm -f NAME"},
	{"requires", "", "minictr start CONTAINER"},
	{"rmi", no, "minictr rmi IMAGE"},
	{"rootfs", no, "make a bundle: minictr-oci spec"},
	{"sdnotify", "ignore", byHand},
	{"seccomp-policy", "default", "--security-opt seccomp=FILE"},
	{"secret", "", "--volume FILE:/run/secrets/NAME:ro"},
	{"systemd", "false", "--tmpfs /run --tmpfs /tmp"},
	{"timeout", "0", "timeout SECONDS minictr run IMAGE"},
	{"tz", "", "--env TZ=ZONE"},
	{"umask", "0022 022", "sh -c 'umask MASK; exec COMMAND'"},
	{"unsetenv", "", "--env NAME, for a NAME that is not set here"},
	{"unsetenv-all", no, "env -i COMMAND"},
}

// notInExec are the same of docker exec and podman exec.
var notInExec = []refused{
	{"detach-keys", "", "start it in the background: minictr exec -d"},
	{"latest l", no, "minictr exec $(minictr ps -ql) COMMAND"},
	{"preserve-fds", "0", "use standard input: minictr exec -i"},
}

// addRefused adds to the commands the flags that args may contain: to add all would make
// every start slower.
func addRefused(args []string) {
	for list, commands := range map[*[]refused][]*cli.Command{
		&notInRun: {runCommand, createCommand, planCommand}, &notInExec: {execCommand},
	} {
		for _, c := range commands {
			c.Flags = append(c.Flags, refusedFlags(*list, args)...)
		}
	}
}

// refusedFlags returns the flags of a list that args may contain. Help does not list them.
func refusedFlags(list []refused, args []string) (flags []cli.Flag) {
	for _, r := range list {
		names := strings.Fields(r.name)
		if !slices.ContainsFunc(args, func(word string) bool { return mayBe(word, names) }) {
			continue
		}
		f := refusedFlag{&cli.GenericFlag{Name: names[0], Aliases: names[1:], Value: &values{}}, r}
		if r.harmless == yes || r.harmless == no {
			f.DocGenerationFlag = &cli.BoolFlag{Name: names[0], Aliases: names[1:]}
		}
		flags = append(flags, f)
	}
	return flags
}

// mayBe reports whether a word may be a flag with one of names: --NAME, --NAME=VALUE, or a
// short one among others, as in -dp.
func mayBe(word string, names []string) bool {
	flag, _, _ := strings.Cut(word, "=")
	dashes := len(flag) - len(strings.TrimLeft(flag, "-"))
	return dashes == 1 && strings.Contains(flag, names[len(names)-1]) && len(names) > 1 ||
		dashes > 0 && slices.Contains(names, flag[dashes:])
}

// refusedFlag is a help.Checked.
type refusedFlag struct {
	cli.DocGenerationFlag
	r refused
}

// Check returns an error unless the value of the flag changes nothing.
func (f refusedFlag) Check(c *cli.Context) error {
	name := f.Names()[0]
	if !f.TakesValue() {
		return f.r.check("=" + strconv.FormatBool(c.Bool(name)))
	}
	return f.r.check(*c.Generic(name).(*values)...)
}

// values are those of a flag that may be given several times, as they are given.
type values []string

func (v *values) Set(value string) error {
	*v = append(*v, value)
	return nil
}

// String returns no value: cli gives it to Set for each other name of the flag.
func (v *values) String() string { return "" }

// check returns an error unless each value changes nothing.
func (r *refused) check(values ...string) error {
	for _, value := range values {
		if value == "" || slices.Contains(strings.Fields(r.harmless), value) {
			continue
		}
		name, _, _ := strings.Cut(r.name, " ")
		text := "--" + name + strings.TrimSuffix(value, yes)
		if value[0] != '=' {
			text = "--" + name + " " + value
		}
		return hint.New(fmt.Errorf("%s: not supported", text), r.hint)
	}
	return nil
}
