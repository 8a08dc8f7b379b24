package minictr_test

// The borders between packages, kept by this test. What is not listed may not
// be imported: a line here is a decision.

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/minictr/minictr"

// leaves import nothing of this module, and every package may import them.
const leaves = "internal/atomicfile internal/lockfile internal/printable"

// may says which packages of this module a package may lean on, directly or
// not. Data flows one way: images → container → runtime; runtime knows nothing
// of images, images and layers nothing of processes.
func may() map[string]string {
	const (
		runtime = "hint runtime runtime/cgroup runtime/compile runtime/plan runtime/plan/call runtime/ps " +
			"runtime/seccomp runtime/state runtime/stdio runtime/table runtime/walk"
		images = "hint images images/registry layers layers/index layers/stack"
		config = images + " container/logs runtime/cgroup runtime/compile runtime/plan runtime/plan/call " +
			"runtime/seccomp runtime/state"
		base = config + " " + runtime + " container/config"
		all  = base + " container container/cp container/inspect container/monitor container/rootfs container/stats"
	)
	return map[string]string{
		"hint":                "",
		"internal/help":       "hint",
		"layers":              "hint",
		"layers/index":        "hint layers",
		"layers/stack":        "hint layers layers/index",
		"images":              images,
		"images/registry":     "hint",
		"runtime/cgroup":      "hint",
		"runtime/seccomp":     "hint",
		"runtime/plan":        "",
		"runtime/plan/call":   "runtime/plan",
		"runtime/compile":     "hint runtime/cgroup runtime/plan runtime/plan/call runtime/seccomp",
		"runtime/table":       "",
		"runtime/walk":        "runtime/plan runtime/table",
		"runtime/state":       "hint runtime/cgroup",
		"runtime/stdio":       "runtime/plan",
		"runtime/ps":          "hint",
		"runtime":             runtime,
		"container/cp":        "hint layers",
		"container/logs":      "hint",
		"container/stats":     "hint runtime/cgroup",
		"container/config":    config,
		"container":           base,
		"container/rootfs":    base + " container container/cp",
		"container/monitor":   base + " container runtime/table",
		"container/inspect":   base + " container container/cp container/rootfs container/stats",
		"container/lifecycle": all,
		"cmd/minictr":         all + " container/lifecycle internal/help",
		"cmd/minictr-oci":     runtime + " internal/help",
	}
}

// foreign says who alone may need certain libraries.
func foreign() map[string]string {
	return map[string]string{
		"github.com/urfave/cli/v2": "internal/help cmd/minictr cmd/minictr-oci",
		"github.com/google/go-containerregistry": "images images/registry container container/config " +
			"container/rootfs container/monitor container/inspect container/lifecycle cmd/minictr",
		"github.com/klauspost/compress": "layers layers/index layers/stack images images/registry container " +
			"container/config container/rootfs container/monitor container/inspect container/lifecycle container/cp " +
			"cmd/minictr",
		"github.com/moby/profiles/seccomp": "runtime/seccomp runtime/compile runtime container " +
			"container/config container/rootfs container/monitor container/inspect container/lifecycle cmd/minictr " +
			"cmd/minictr-oci",
		"net/http": "images images/registry container container/config " +
			"container/rootfs container/monitor container/inspect container/lifecycle cmd/minictr",
		// docker-credential-*, ps
		"os/exec": "internal/testkit images images/registry runtime/ps container " +
			"container/config container/rootfs container/monitor container/inspect container/lifecycle cmd/minictr " +
			"cmd/minictr-oci",
		"C": "",
		"github.com/opencontainers/image-spec": "images images/registry container container/config " +
			"container/rootfs container/monitor container/inspect container/lifecycle cmd/minictr",
		"github.com/moby/sys/user": "container container/config container/rootfs container/monitor " +
			"container/inspect container/lifecycle cmd/minictr",
		"github.com/opencontainers/runtime-spec": "runtime/cgroup runtime/seccomp runtime/compile runtime/state " +
			"runtime/stdio runtime container container/config container/rootfs container/monitor container/inspect " +
			"container/lifecycle container/stats cmd/minictr cmd/minictr-oci",
	}
}

type listed struct {
	ImportPath string
	Deps       []string
}

// listPackages returns those of this module, with all that they need.
func listPackages(t *testing.T) (list []listed) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the command go is not in PATH")
	}
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-json=ImportPath,Deps", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestBorders(t *testing.T) {
	rules := may()
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		rule, known := rules[name]
		allowed := strings.Fields(rule + " " + leaves)
		if strings.HasPrefix(name, "internal/") { // they import what their rule has, and no other of them
			known, allowed = true, strings.Fields(rule)
		}
		if !known && !tool(name) {
			t.Errorf("%s: a package without a rule; write one", name)
		}
		for _, d := range p.Deps {
			ours, ok := strings.CutPrefix(d, module+"/")
			if ok && known && ours != name && !slices.Contains(allowed, ours) {
				t.Errorf("%s needs %s, and may not", name, ours)
			}
			if ours == "internal/testkit" {
				t.Errorf("%s needs %s, which is for tests", name, ours)
			}
		}
		for library, who := range foreign() {
			needs := slices.ContainsFunc(p.Deps, func(d string) bool {
				return d == library || strings.HasPrefix(d, library+"/")
			})
			if needs && known && !slices.Contains(strings.Fields(who), name) {
				t.Errorf("%s needs %s, and may not", name, library)
			}
		}
	}
}

// tool: what the project itself needs, and no user runs.
func tool(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "" || top == "benchmark" || top == "scripts" || top == "hardening" || top == "validation" ||
		strings.Contains(name, "/internal/")
}
