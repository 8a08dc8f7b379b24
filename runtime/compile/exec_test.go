package compile

import (
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The plans of a container's later life, and of one that is created to have it.

// createdContainer has all that stops the child on its way, and a namespace of others.
func createdContainer(s *specs.Spec, o *Options) {
	o.Root, o.Wait, o.Outlive = nil, true, true
	s.Process.NoNewPrivileges = false
	s.Linux.Seccomp = notifying("mkdir")
	s.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 100000, Size: 65536}}
	s.Linux.GIDMappings = s.Linux.UIDMappings
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	network := slices.IndexFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.NetworkNamespace
	})
	s.Linux.Namespaces[network].Path = "/run/netns/pod"
}

func TestGoldenCreated(t *testing.T) {
	spec, options := testSpec(), testOptions()
	createdContainer(spec, &options)
	p, err := Compile(spec, options)
	compareGolden(t, "created", p, err)
}

// TestGoldenExec: another process, with a terminal, in that container.
func TestGoldenExec(t *testing.T) {
	spec, options := testSpec(), testOptions()
	createdContainer(spec, &options)
	spec.Process.Terminal = true
	options.Wait, options.Join = false, &Running{Pid: 4711, Cgroup: "/sys/fs/cgroup/minictr/ID"}
	p, err := Exec(spec, options)
	compareGolden(t, "exec", p, err)
}

// TestGoldenHook: a hook of startContainer in it.
func TestGoldenHook(t *testing.T) {
	spec, options := testSpec(), testOptions()
	createdContainer(spec, &options)
	hook := &specs.Hook{Path: "/bin/hook", Args: []string{"hook", "now"}, Env: []string{"A=b"}}
	p, err := Hook(hook, spec, Options{Join: &Running{Pid: 4711, Cgroup: "/sys/fs/cgroup/minictr/ID"}})
	compareGolden(t, "hook", p, err)
}

// TestHookOfTheHost: it joins nothing.
func TestHookOfTheHost(t *testing.T) {
	p, err := Hook(&specs.Hook{Path: "/bin/hook"}, testSpec(), Options{})
	testkit.Check(t, err)
	for _, s := range p.Steps {
		if s.Name == "setns" || s.Name == "unshare" {
			t.Errorf("it joins: %s", s.Call())
		}
	}
}

// TestHookRefusals: a hook is a program of the host, and not another one than was
// checked.
func TestHookRefusals(t *testing.T) {
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
		if _, err := Compile(spec, testOptions()); err == nil ||
			!strings.HasPrefix(err.Error(), "hooks.createRuntime[1]: "+want) {
			t.Errorf("%v, want %s…", err, want)
		}
	}
}

// TestLast: what is left for start is the end of the list for create.
func TestLast(t *testing.T) {
	spec, options := testSpec(), testOptions()
	createdContainer(spec, &options)
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
