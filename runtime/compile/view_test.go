package compile

import (
	"path"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestGoldenView: the root of a stopped container, to read; and to write, with IDs of its own.
func TestGoldenView(t *testing.T) {
	spec, options := testSpec(), testOptions()
	spec.Mounts = append(spec.Mounts,
		specs.Mount{Destination: "/etc/hosts", Type: "bind", Source: "/store/containers/ID/hosts"},
		specs.Mount{Destination: "/volume", Type: "bind", Source: RootSource + "/volume"},
		specs.Mount{Destination: "/memory", Type: "tmpfs", Source: "tmpfs"})
	view := View{Optional: func(m specs.Mount) bool { return path.Dir(m.Source) == options.Root.Changes }}
	options.Root.ReadOnly = true
	p, err := Mount(spec, options, view)
	compareGolden(t, "view", p, err)

	testContainers()["userns"](spec, &options)
	view.Write, options.Root.ReadOnly, spec.Root.Readonly = true, false, true
	if p, err = Mount(spec, options, view); err != nil {
		t.Fatal(err)
	}
	checkSteps(t, p)
}
