package compile

import (
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The plans for a running container, and of a created one.

// createdContainer is a container whose child waits for the agent, for hooks and for
// start, in a network namespace of a pod.
func createdContainer() (*specs.Spec, Options) {
	s, o := testContainer("userns")
	o.Root, o.Wait, o.Outlive = nil, true, true
	s.Process.NoNewPrivileges = false
	s.Linux.Seccomp = notifying("mkdir")
	s.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
	for i := range s.Linux.Namespaces {
		if n := &s.Linux.Namespaces[i]; n.Type == specs.NetworkNamespace {
			n.Path = "/run/netns/pod"
		}
	}
	return s, o
}

func TestGoldenCreated(t *testing.T) {
	p, err := Compile(createdContainer())
	compareGolden(t, "created", p, err)
}

// TestGoldenExec: another process, with a terminal, in that container; and a
// startContainer hook.
func TestGoldenExec(t *testing.T) {
	running := &Running{Pid: 4711, Cgroup: "/sys/fs/cgroup/minictr/ID"}
	spec, options := createdContainer()
	hook := &specs.Hook{Path: "/bin/hook", Args: []string{"hook", "now"}, Env: []string{"A=b"}}
	p, err := Hook(hook, "/bundle", spec, Options{Join: running})
	compareGolden(t, "hook", p, err)
	spec.Process.Terminal = true
	options.Wait, options.Join = false, running
	p, err = Exec(spec, options)
	compareGolden(t, "exec", p, err)
}

// TestHostHookJoinsNothing: a hook of the host stays in its namespaces.
func TestHostHookJoinsNothing(t *testing.T) {
	p, err := Hook(&specs.Hook{Path: "/bin/hook"}, "/bundle", testSpec(), Options{})
	testkit.Check(t, err)
	for _, s := range p.Steps {
		if s.Name == "setns" || s.Name == "unshare" {
			t.Errorf("it joins: %s", s.Call())
		}
	}
}

// TestInvalidHookRefused: a hook is a program of the host, and not another one than was
// checked.
func TestInvalidHookRefused(t *testing.T) {
	none := 0
	for want, h := range map[string]specs.Hook{
		`path "true": not absolute`:                     {Path: "true"},
		"timeout: 0: must be positive":                  {Path: "/bin/true", Timeout: &none},
		`path: "/bin/true\x00.sh": contains a NUL byte`: {Path: "/bin/true\x00.sh"},
		`args: "-c\x00": contains a NUL byte`:           {Path: "/bin/true", Args: []string{"true", "-c\x00"}},
		`env: "A=b\x00c": contains a NUL byte`:          {Path: "/bin/true", Env: []string{"A=b\x00c"}},
		`env: "A": not of the form NAME=value`:          {Path: "/bin/true", Env: []string{"A"}},
	} {
		spec := testSpec()
		spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}, h}}
		_, err := Compile(spec, testOptions())
		wantPrefix(t, err, "hooks.createRuntime[1]: "+want)
	}
}

// TestLast: what is left for start is the end of the list for create.
func TestLast(t *testing.T) {
	spec, options := createdContainer()
	p, err := Compile(spec, options)
	testkit.Check(t, err)
	last, err := Last(spec, options)
	testkit.Check(t, err)
	begin := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Side == plan.Trampoline })
	if len(last.Steps) != len(p.Steps)-begin {
		t.Fatalf("%d steps are left of %d", len(last.Steps), len(p.Steps)-begin)
	}
	for i := range last.Steps {
		if got, want := last.Steps[i].Call(), p.Steps[begin+i].Call(); got != want {
			t.Errorf("step %d: %s, want %s", i+1, got, want)
		}
	}
}
