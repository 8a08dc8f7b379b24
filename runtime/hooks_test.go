package runtime

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Hooks are shell scripts whose output is one log.

// hook is a script of the host that appends to the log.
func (c *container) hook(script string) specs.Hook {
	return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "exec >> " + c.file("log") + "; " + script, "hook"},
		Env: []string{"PATH=/bin:/usr/bin", "COLOUR=blue"}}
}

// inside is a script of the container.
func inside(script string) []specs.Hook {
	return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}}}
}

func (c *container) log(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(c.file("log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// TestHookOrder: the hooks of each kind run at their point of the lifecycle, in order,
// with the container's state on standard input.
func TestHookOrder(t *testing.T) {
	const create = "prestart 1\ncreated\nprestart 2\ncreateRuntime 1\ncreated\ncreateRuntime 2\n" +
		"createContainer 1\ncreated\ncreateContainer 2"
	const start = "\npoststart 1\nrunning\npoststart 2"
	const stop = "\npoststop 1\nstopped\npoststop 2"
	const status = `; s=$(cat); echo "$s" | grep -o '"status":"[a-z]*"' | cut -d'"' -f4`
	c := newContainer(t, unchanged, "(cat /log; echo done) > /seen; sleep 60")
	list := func(name string) []specs.Hook {
		return []specs.Hook{c.hook("echo " + name + " 1" + status), c.hook("echo " + name + " 2")}
	}
	c.spec.Hooks = &specs.Hooks{
		//lint:ignore SA1019 the specification still requires it
		Prestart:      list("prestart"),
		CreateRuntime: list("createRuntime"), CreateContainer: list("createContainer"),
		StartContainer: inside("(echo startContainer 1" + status + ") >> /log"),
		Poststart:      list("poststart"), Poststop: list("poststop"),
	}
	c.create(t)
	want(t, c.log(t), create)
	c.start(t)
	want(t, c.log(t), create+start)
	want(t, report(t, c.file("rootfs/seen")), "startContainer 1\ncreated")
	c.must(t, "delete", "--force", c.id)
	want(t, c.log(t), create+start+stop)

	testkit.Check(t, os.Remove(c.file("log")), os.Remove(c.file("rootfs/log")))
	c.spec.Process.Args = []string{"cat", "/log"}
	want(t, c.run(t), "startContainer 1\ncreated")
	want(t, c.log(t), create+start+stop)
}

// TestHookState: a hook reads the whole state, as the state command prints it.
func TestHookState(t *testing.T) {
	c := newContainer(t, func(s *specs.Spec) { s.Annotations = map[string]string{"colour": "blue"} }, "sleep 60")
	c.spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{c.hook("cat")}}
	c.create(t)
	var read specs.State
	testkit.Check(t, json.Unmarshal([]byte(c.log(t)), &read))
	if read.ID != c.id || read.Version != specs.Version || read.Bundle != c.dir || read.Pid != c.pid(t) ||
		read.Annotations["colour"] != "blue" {
		t.Errorf("the hook reads %+v", read)
	}
}

// TestHookProcess: a hook gets the environment and the arguments of its entry, and no
// descriptor but its standard streams; without an environment it gets that of the command.
func TestHookProcess(t *testing.T) {
	c := newContainer(t, unchanged, "sleep 60")
	c.spec.Hooks = &specs.Hooks{Poststart: []specs.Hook{
		c.hook("echo $0; env | sort; ls /proc/self/fd | tr '\\n' ' '"),
		{Path: "/bin/sh", Args: []string{"sh", "-c", "echo $#; env | grep COLOUR > " + c.file("bare")}},
		{Path: "/bin/true"},
	}}
	t.Setenv("COLOUR", "of the command")
	c.create(t)
	c.start(t)
	want(t, strings.Replace(c.log(t), "PWD="+c.dir+"\n", "", 1), "hook\nCOLOUR=blue\nPATH=/bin:/usr/bin\n0 1 2 3")
	want(t, strings.TrimSpace(testkit.ReadFile(t, c.file("bare"))), "COLOUR=of the command")
}

// TestHookNamespaces: createContainer runs in the container's namespaces, with the
// host's programs and the root at root.path; startContainer sees the container alone.
func TestHookNamespaces(t *testing.T) {
	const namespaces = "for n in pid mnt ipc; do readlink /proc/self/ns/$n; done"
	for name, change := range map[string]func(*specs.Spec){"plain": unchanged, "user": mapped(0)} {
		t.Run(name, func(t *testing.T) {
			c := newContainer(t, change, "("+namespaces+"; echo done) > /out/inside; sleep 60")
			testkit.Check(t, os.MkdirAll(c.file("rootfs/out"), 0o777))
			proc := namespaces + "; ls " + c.file("rootfs/proc")
			c.spec.Hooks = &specs.Hooks{
				CreateRuntime: []specs.Hook{c.hook(proc + " | grep -c self; true")},
				CreateContainer: []specs.Hook{c.hook(proc + " | grep -x self; echo made > " +
					c.file("rootfs/dev/made"))},
				StartContainer: inside("(" + namespaces + "; cat /dev/made; echo done) > /out/start"),
			}
			c.create(t)
			c.start(t)
			container := report(t, c.file("rootfs/out/inside"))
			want(t, c.log(t), shell(t, namespaces)+"\n0\n"+container+"\nself")
			want(t, report(t, c.file("rootfs/out/start")), container+"\nmade")
		})
	}
}

// TestFailedHookStopsContainer: the later hooks of its kind do not run, but the poststop
// hooks do. The error has the last output of the hook, all of whose processes are killed.
func TestFailedHookStopsContainer(t *testing.T) {
	three := 3
	for _, kind := range []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart"} {
		for name, bad := range map[string]specs.Hook{
			"exit status 7: a reason": {Path: "/bin/sh", Args: []string{"sh", "-c", "echo a reason; exit 7"}},
			"timeout of 3 s": {Path: "/bin/sh", Args: []string{"sh", "-c", "echo $$ > late; sleep 1000 & wait"},
				Timeout: &three, Env: []string{"PATH=/bin"}},
			"no such file":   {Path: "/bin/no-such-hook"},
			"signal: killed": {Path: "/bin/sh", Args: []string{"sh", "-c", "kill -9 $$"}},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := newContainer(t, unchanged, "sleep 60")
				hooks := &specs.Hooks{Poststop: []specs.Hook{c.hook("echo the end")}}
				c.spec.Hooks = hooks
				*map[string]*[]specs.Hook{
					//lint:ignore SA1019 the specification still requires it
					"prestart":      &hooks.Prestart,
					"createRuntime": &hooks.CreateRuntime, "createContainer": &hooks.CreateContainer,
					"startContainer": &hooks.StartContainer, "poststart": &hooks.Poststart,
				}[kind] = append(inside(":"), bad, c.hook("echo never"))
				command := "create"
				if kind == "startContainer" || kind == "poststart" {
					c.create(t)
					command = "start"
				}
				c.fails(t, []string{command, c.id}, "error running "+kind+" hook #1: "+bad.Path+": ", name)
				if command == "start" {
					c.must(t, "delete", "--force", c.id)
				}
				c.wantGone(t)
				want(t, c.log(t), "the end")
				c.fails(t, []string{"run", c.id}, "error running "+kind+" hook #1: "+bad.Path+": ", name)
				c.wantGone(t)
				want(t, c.log(t), "the end\nthe end")
				session, err := os.ReadFile(c.file("late")) // a hook of the host starts in the bundle
				if err == nil {
					wantKilled(t, strings.TrimSpace(string(session)))
				} else if name == "timeout of 3 s" && kind != "startContainer" {
					t.Errorf("the hook has not run: %v", err)
				}
			})
		}
	}
}

// wantKilled fails the test unless all processes of a session end. A killed process is
// a zombie until its parent waits for it.
func wantKilled(t *testing.T, session string) {
	t.Helper()
	testkit.Eventually(t, "the processes of the hook are killed", func() bool {
		states := strings.Fields(shell(t, "ps -o stat= -s "+session+" || true"))
		return !slices.ContainsFunc(states, func(s string) bool { return !strings.HasPrefix(s, "Z") })
	})
}

// TestFailedPoststopHookWarns: and the next hook runs.
func TestFailedPoststopHookWarns(t *testing.T) {
	c := newContainer(t, unchanged, "true")
	c.spec.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "/bin/false"}, c.hook("echo the end")}}
	if out := c.run(t); !strings.Contains(out, "error running poststop hook #0: /bin/false: exit status 1") {
		t.Errorf("the warning: %s", out)
	}
	want(t, c.log(t), "the end")
}

// TestHookOutputIsLimited: and a hook never waits for a reader of its output.
func TestHookOutputIsLimited(t *testing.T) {
	c := newContainer(t, unchanged, "sleep 60")
	script := "head -c 3000000 /dev/zero | tr '\\0' x; echo; sleep 3 & echo last words; exit 3"
	c.spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script},
		Env: []string{"PATH=/bin:/usr/bin"}}}}
	out, err := c.oci("create", c.id)
	if err == nil || !strings.Contains(out, "last words") || len(out) > 4096 {
		t.Errorf("%v\n%.200s … of %d bytes", err, out, len(out))
	}
}

// TestStartHookWithoutMountNamespace: startContainer sees the container's root
// nevertheless.
func TestStartHookWithoutMountNamespace(t *testing.T) {
	testkit.NeedLinux(t, "6.15")
	c := newContainer(t, without(specs.MountNamespace), "sleep 60")
	c.spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{c.hook("echo from the host")},
		StartContainer: inside("ls / > /seen; echo done >> /seen")}
	c.create(t)
	c.start(t)
	want(t, c.log(t), "from the host")
	want(t, report(t, c.file("rootfs/seen")), "bin\ndev\nproc\nseen\nsys")
}

// TestHooksInJoinedUserNamespace: createContainer joins it, createRuntime does not.
func TestHooksInJoinedUserNamespace(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	pid := first.pid(t)
	c := newContainer(t, joined(pid, specs.UserNamespace, specs.PIDNamespace), "sleep 60")
	user := []specs.Hook{c.hook("ls -l /proc/self/ns/user | grep -o 'user:.*'")}
	c.spec.Hooks = &specs.Hooks{CreateRuntime: user, CreateContainer: user}
	c.create(t)
	want(t, c.log(t), namespacesOf(t, "thread-self")["user"]+"\n"+namespacesOf(t, strconv.Itoa(pid))["user"])
}
