package page_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/page"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The page of a plan in Chromium: readable on any screen, silent, with every step.
func TestPageInBrowser(t *testing.T) {
	script := testkit.ReadFile(t, "testdata/inspect.js")
	for name, carriedOut := range map[string]bool{"planned": false, "carried out": true} {
		t.Run(name, func(t *testing.T) {
			p := samplePage(t, carriedOut)
			var b bytes.Buffer
			testkit.Check(t, p.Write(&b))
			const least, most = 310, 400_000
			if len(p.Plan.Steps) < least || b.Len() > most {
				t.Errorf("the page of %d steps has %d bytes", len(p.Plan.Steps), b.Len())
			}
			seen := testkit.InspectPage(t, b.Bytes(), script)
			for _, fault := range seen.Found {
				t.Error(fault)
			}
			said := strings.Join(strings.Fields(seen.Text), " ")
			for i := range p.Plan.Steps {
				if s := &p.Plan.Steps[i]; !strings.Contains(said, strings.Join(strings.Fields(s.Why), " ")) {
					t.Errorf("step %d: the page lacks %q", i+1, s.Why)
				}
			}
			if carriedOut != strings.Contains(said, "= EEXIST, 2.0 µs") {
				t.Errorf("results of a plan that was carried out: %v", carriedOut)
			}
			for _, words := range []string{"COPY <app> /", "12.3MB", "/#pivot", "mount step "} {
				if !strings.Contains(strings.ReplaceAll(said, "#pivot", "/#pivot"), words) {
					t.Errorf("the page lacks %q", words)
				}
			}
		})
	}
}

// samplePage returns the page of a container with all namespaces, and as many steps as that
// of a common one.
func samplePage(t *testing.T, carriedOut bool) *page.Page {
	t.Helper()
	spec := &specs.Spec{
		Version: "1.2.0", Root: &specs.Root{Path: "/bundle/rootfs"}, Hostname: "box",
		Process: &specs.Process{Args: []string{"/bin/sh", "-c", "<b>&amp;</b>"}, Cwd: "/", Env: []string{"A=1"},
			Capabilities: &specs.LinuxCapabilities{}},
		Linux:  &specs.Linux{CgroupsPath: "/minictr/box"},
		Mounts: []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
	}
	for _, kind := range []specs.LinuxNamespaceType{specs.MountNamespace, specs.PIDNamespace, specs.NetworkNamespace,
		specs.UTSNamespace, specs.IPCNamespace, specs.CgroupNamespace} {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
	}
	for i := range 70 {
		spec.Linux.MaskedPaths = append(spec.Linux.MaskedPaths, fmt.Sprintf("/proc/secret-%d", i))
	}
	made, err := compile.Compile(spec, compile.Options{Cgroup2: "/sys/fs/cgroup"})
	testkit.Check(t, err)
	p := &page.Page{Title: "minictr run <box>", Plan: made,
		Layers: []page.Layer{{Name: "FROM scratch", Size: 2_000_000}, {Name: "COPY <app> /", Size: 12_300_000}}}
	if !carriedOut {
		return p
	}
	for i := range made.Steps {
		r := walk.Result{Made: true, Value: 3, Took: time.Duration(i%7) * time.Microsecond}
		if i == 2 {
			r.Errno = unix.EEXIST
		}
		p.Results = append(p.Results, r)
	}
	return p
}
