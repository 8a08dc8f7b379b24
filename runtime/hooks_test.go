package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Hooks are shells that write down what they see, one file for all of them.

// hook is a shell's words, of which each line that is printed goes to the log.
func (c *container) hook(words string) specs.Hook {
	return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "exec >> " + c.file("log") + "; " + words, "hook"},
		Env: []string{"PATH=/bin:/usr/bin", "COLOUR=blue"}}
}

// sees is the status and the number that a hook is told of.
const sees = `; s=$(cat); echo "$s" | grep -o '"status":"[a-z]*"' | cut -d'"' -f4`

// withHooks gives a container of newContainer hooks; its config is written anew.
func (c *container) withHooks(t *testing.T, change func(*specs.Spec)) {
	t.Helper()
	data, err := os.ReadFile(c.file("config.json"))
	try(t, err)
	spec := &specs.Spec{}
	try(t, json.Unmarshal(data, spec))
	change(spec)
	data, err = json.Marshal(spec)
	try(t, err)
	try(t, os.WriteFile(c.file("config.json"), data, 0o644))
}

func (c *container) log(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(c.file("log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// all six kinds, two of each, each of which says its name and what is true of the
// container.
func (c *container) allHooks(s *specs.Spec) {
	list := func(name string) []specs.Hook {
		return []specs.Hook{c.hook("echo " + name + " 1" + sees), c.hook("echo " + name + " 2")}
	}
	s.Hooks = &specs.Hooks{
		//lint:ignore SA1019 the specification still wants it
		Prestart:      list("prestart"),
		CreateRuntime: list("createRuntime"), CreateContainer: list("createContainer"),
		Poststart: list("poststart"), Poststop: list("poststop"),
		StartContainer: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "(echo startContainer 1" + sees +
			") >> /log"}, Env: []string{"PATH=/bin"}}},
	}
}

// TestHookOrder: each kind at its moment, in its order, with the container's state
// on standard input.
func TestHookOrder(t *testing.T) {
	const create = "prestart 1\ncreated\nprestart 2\ncreateRuntime 1\ncreated\ncreateRuntime 2\ncreateContainer " +
		"1\ncreated\ncreateContainer 2"
	const start = "\npoststart 1\nrunning\npoststart 2"
	const stop = "\npoststop 1\nstopped\npoststop 2"
	c := newContainer(t, func(*specs.Spec) {}, "(cat /log; echo done) > /seen; sleep 60")
	try(t, os.Symlink("sh", c.file("rootfs/bin/cut")))
	c.withHooks(t, c.allHooks)
	c.create(t)
	want(t, c.log(t), create)
	c.start(t)
	want(t, c.log(t), create+start)
	want(t, report(t, c.file("rootfs/seen")), "startContainer 1\ncreated")
	c.must(t, "delete", "--force", c.id)
	want(t, c.log(t), create+start+stop)

	try(t, os.Remove(c.file("log")))
	try(t, os.Remove(c.file("rootfs/log")))
	c.withHooks(t, func(s *specs.Spec) { s.Process.Args = []string{"cat", "/log"} })
	want(t, c.run(t), "startContainer 1\ncreated")
	want(t, c.log(t), create+start+stop)
}

// TestHookState: what a hook is told, in full, is what `state` tells.
func TestHookState(t *testing.T) {
	c := newContainer(t, func(s *specs.Spec) { s.Annotations = map[string]string{"colour": "blue"} }, "sleep 60")
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{c.hook("cat")}}
	})
	c.create(t)
	var told specs.State
	try(t, json.Unmarshal([]byte(c.log(t)), &told))
	if told.ID != c.id || told.Version != specs.Version || told.Bundle != c.dir || told.Pid != c.pid(t) ||
		told.Annotations["colour"] != "blue" {
		t.Errorf("the hook is told %+v", told)
	}
}

// TestHookProcess: a hook gets the environment, and the arguments, of its entry, and
// no descriptor but its standard streams.
func TestHookProcess(t *testing.T) {
	c := newContainer(t, func(*specs.Spec) {}, "sleep 60")
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{Poststart: []specs.Hook{
			c.hook("echo $0; env | sort; ls /proc/self/fd | tr '\\n' ' '"),
			{Path: "/bin/sh", Args: []string{"sh", "-c", "echo $#; /usr/bin/env > " + c.file("bare")}},
			{Path: "/bin/true"},
		}}
	})
	t.Setenv("LD_LIBRARY_PATH", "/nowhere") // HARDENING.md, row 12
	c.create(t)
	c.start(t)
	want(t, strings.Replace(c.log(t), "PWD="+c.dir+"\n", "", 1), "hook\nCOLOUR=blue\nPATH=/bin:/usr/bin\n0 1 2 3")
	bare, err := os.ReadFile(c.file("bare"))
	try(t, err)
	want(t, strings.Replace(string(bare), "PWD="+c.dir+"\n", "", 1), "")
}

// TestHookNamespaces: createContainer runs in the container's namespaces and finds
// the host's programs, and the root where the config says it is; startContainer
// sees the container alone.
func TestHookNamespaces(t *testing.T) {
	const namespaces = "for n in pid mnt ipc; do readlink /proc/self/ns/$n; done"
	for name, change := range map[string]func(*specs.Spec){
		"plain": func(*specs.Spec) {}, "user": mapped,
	} {
		t.Run(name, func(t *testing.T) {
			c := newContainer(t, change, "")
			try(t, os.MkdirAll(c.file("rootfs/out"), 0o777))
			c.withHooks(t, func(s *specs.Spec) {
				s.Process.Args[2] = "(" + namespaces + "; echo done) > /out/inside; sleep 60"
				s.Hooks = &specs.Hooks{
					CreateRuntime: []specs.Hook{c.hook(namespaces + "; ls " + c.file("rootfs/proc") +
						" | grep -c self; true")},
					CreateContainer: []specs.Hook{c.hook(namespaces + "; ls " + c.file("rootfs/proc") +
						" | grep -x self; echo made > " + c.file("rootfs/dev/made"))},
					StartContainer: []specs.Hook{{Path: "/bin/sh",
						Args: []string{"sh", "-c", "(" + namespaces + "; cat /dev/made; echo done) > /out/start"},
						Env:  []string{"PATH=/bin"}}},
				}
			})
			c.create(t)
			c.start(t)
			inside := report(t, c.file("rootfs/out/inside"))
			host := strings.TrimSpace(shell(t, "/", namespaces))
			want(t, c.log(t), host+"\n0\n"+inside+"\nself")
			want(t, report(t, c.file("rootfs/out/start")), inside+"\nmade")
		})
	}
}

// TestHookFails: where it stops the container nothing of that is left, but what the
// hooks of its end do; and the last words of a hook are told.
func TestHookFails(t *testing.T) {
	three := 3
	for _, kind := range []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart"} {
		for name, bad := range map[string]specs.Hook{
			"exit code 7: a reason": {Path: "/bin/sh", Args: []string{"sh", "-c", "echo a reason; exit 7"}},
			"timeout of 3 s": {Path: "/bin/sh", Args: []string{"sh", "-c", "echo $$ > late; sleep 1000 & wait"},
				Timeout: &three, Env: []string{"PATH=/bin"}},
			"no such file": {Path: "/bin/no-such-hook"},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := newContainer(t, func(*specs.Spec) {}, "sleep 60")
				c.withHooks(t, func(s *specs.Spec) {
					s.Hooks = &specs.Hooks{Poststop: []specs.Hook{c.hook("echo the end")}}
					list := map[string]*[]specs.Hook{
						//lint:ignore SA1019 the specification still wants it
						"prestart":      &s.Hooks.Prestart,
						"createRuntime": &s.Hooks.CreateRuntime, "createContainer": &s.Hooks.CreateContainer,
						"startContainer": &s.Hooks.StartContainer, "poststart": &s.Hooks.Poststart,
					}[kind]
					*list = []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", ":"}}, bad, c.hook("echo never")}
				})
				out, err := c.oci("create", "--bundle", c.dir, c.id)
				if err == nil && (kind == "startContainer" || kind == "poststart") {
					if out, err = c.oci("start", c.id); err == nil {
						t.Error("it is started")
					}
					c.must(t, "delete", "--force", c.id)
				}
				if err == nil || !strings.Contains(out, "hooks."+kind+"[1]: "+bad.Path+": ") ||
					!strings.Contains(out, name) {
					t.Errorf("%v\n%s", err, out)
				}
				if out, err := c.oci("state", c.id); err == nil || !strings.Contains(out, "does not exist") {
					t.Errorf("it is left over: %v\n%s", err, out)
				}
				want(t, c.log(t), "the end")
				group, err := os.ReadFile(c.file("late")) // a hook of the runtime's namespaces begins in our folder
				if err == nil {
					alive := shell(t, "/", "ps -o stat= -s "+strings.TrimSpace(string(group))+" || true")
					want(t, strings.Trim(alive, "Z\n"), "") // who is dead waits for its parent only
				} else if name == "timeout of 3 s" && !strings.HasSuffix(kind, "Container") {
					t.Errorf("the hook has not run: %v", err)
				}
			})
		}
	}
}

// TestHookOfTheEndFails: that is a warning, and the next hook runs.
func TestHookOfTheEndFails(t *testing.T) {
	c := newContainer(t, func(*specs.Spec) {}, "true")
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "/bin/false"}, c.hook("echo the end")}}
	})
	if out := c.run(t); !strings.Contains(out, "hooks.poststop[0]: /bin/false: exit code 1") {
		t.Errorf("the warning: %s", out)
	}
	want(t, c.log(t), "the end")
}

// TestHookThatTalks: however much it writes, nobody waits for a reader.
func TestHookThatTalks(t *testing.T) {
	c := newContainer(t, func(*specs.Spec) {}, "sleep 60")
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Env: []string{"PATH=/bin:/usr/bin"},
			Args: []string{"sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; sleep 3 & echo last words; " +
				"exit 3"}}}}
	})
	out, err := c.oci("create", "--bundle", c.dir, c.id)
	if err == nil || !strings.Contains(out, "last words") || len(out) > 4096 {
		t.Errorf("%v\n%s", err, fmt.Sprintf("%.200s … of %d bytes", out, len(out)))
	}
}
