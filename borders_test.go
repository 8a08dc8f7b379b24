package minictr_test

// The borders between packages. An arrow that is not listed here is an error, and so is
// one that is listed and not needed: a line is a decision.

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

// leaves import nothing of this module but hint; every package may import them.
const leaves = "hint internal/accounts internal/atomicfile internal/filter internal/lockfile internal/lsm " +
	"internal/owned internal/printable internal/signals"

// arrows lists, for each package, what it may import of this module, together with all
// that those may import. Data flows one way: images → container → runtime. runtime knows
// nothing of images; images and layers know nothing of processes.
var arrows = map[string]string{
	"internal/inotify": "",
	"events":           "internal/inotify",

	"layers":          "",
	"layers/index":    "layers",
	"layers/stack":    "layers/index",
	"images/registry": "",
	"images":          "images/registry layers/index events",
	"images/subject":  "images layers/stack",

	"runtime/plan":      "",
	"runtime/plan/call": "runtime/plan",
	"runtime/cgroup":    "",
	"runtime/seccomp":   "",
	"runtime/compile":   "runtime/plan/call runtime/cgroup runtime/seccomp",
	"runtime/table":     "",
	"runtime/walk":      "runtime/plan runtime/table",
	"runtime/state":     "runtime/cgroup",
	"runtime/systemd":   "runtime/cgroup",
	"runtime/stdio":     "runtime/plan runtime/table",
	"runtime/ps":        "",
	"runtime/proc":      "runtime/plan/call runtime/cgroup",
	"runtime":           "runtime/compile runtime/walk runtime/state runtime/stdio runtime/systemd",

	"container/cp":        "layers",
	"container/logs":      "internal/inotify",
	"container/stats":     "runtime/cgroup",
	"container/volume":    "",
	"container/config":    "images container/logs container/volume runtime/compile runtime/state",
	"container":           "container/config runtime",
	"container/rootfs":    "container container/cp",
	"container/monitor":   "container",
	"container/inspect":   "container/rootfs container/stats layers/stack runtime/ps runtime/proc",
	"without":             "container/config runtime/table",
	"container/lifecycle": "container/monitor container/inspect without",

	"lessons": "runtime/proc runtime/walk",

	"browse": "layers/stack",
	"doctor": "runtime/proc runtime/compile runtime/walk",
	"page":   "runtime/walk",
	"step":   "runtime/proc runtime/walk",

	"internal/help":      "",
	"cmd/minictr":        "container/lifecycle images/subject doctor lessons page step internal/help",
	"cmd/minictr-browse": "browse images/subject",
	"cmd/minictr-oci":    "runtime runtime/ps internal/help",
}

// toCome are the packages that do not exist yet. They take these places and no others.
var toCome = map[string]string{
	"network":         "runtime/plan/call", // it returns steps; compile.Options.Network places them
	"network/dns":     "",
	"build":           "container/lifecycle network",
	"cri":             "runtime network container/rootfs container/logs", // a pod has its own lifecycle
	"cmd/minictr-cri": "cri internal/help",
}

// libraries lists which packages may import a library, or a costly package of Go's own.
var libraries = map[string]string{
	"C":                                      "",
	"charm.land/bubbletea/v2":                "browse",
	"github.com/charmbracelet/x/ansi":        "browse",
	"github.com/containerd/console":          "cmd/minictr runtime/stdio",
	"github.com/containerd/platforms":        "images",
	"github.com/coreos/go-systemd":           "runtime/systemd",
	"github.com/docker/cli":                  "images/registry",
	"github.com/godbus/dbus":                 "runtime/systemd",
	"github.com/google/go-containerregistry": "images images/registry",
	"github.com/klauspost/compress":          "layers",
	"github.com/mikelolasagasti/xz":          "layers",
	"github.com/moby/profiles/seccomp":       "runtime/seccomp",
	"github.com/moby/sys/mountinfo":          "container/config doctor runtime runtime/cgroup runtime/proc",
	"github.com/moby/sys/signal":             "internal/signals",
	"github.com/moby/term":                   "browse container/lifecycle",
	"github.com/opencontainers/image-spec":   "container/config container/inspect images images/registry",
	"github.com/urfave/cli/v2":               "cmd/minictr cmd/minictr-oci internal/help",
	"net/http":                               "images/registry",
	"os/exec":                                "lessons runtime/ps internal/testkit", // go(1); ps(1)
}

// notLinked lists what a program must not link: it would start more slowly.
var notLinked = map[string]string{
	"cmd/minictr": "charm.land github.com/charmbracelet",
	"cmd/minictr-oci": "net/http github.com/google/go-containerregistry github.com/klauspost/compress " +
		"github.com/mikelolasagasti/xz",
}

type listed struct {
	ImportPath    string
	Imports, Deps []string
}

// listPackages returns the packages of this module.
func listPackages(t *testing.T) (list []listed) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the command go is not in PATH")
	}
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
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

// lessonPrograms are below this directory: a container written on the plan language alone.
const lessonPrograms, lessonArrows = "lessons/build/", "runtime/plan/call runtime/walk"

// allowed returns what a package may import, directly or not.
func allowed(name string) (all []string) {
	direct := arrows[name] + " " + toCome[name]
	if strings.HasPrefix(name, lessonPrograms) {
		direct = lessonArrows
	}
	for _, to := range strings.Fields(direct) {
		all = append(append(all, to), allowed(to)...)
	}
	return all
}

// within reports whether an import path is that of a library, or below it.
func within(path, library string) bool {
	return path == library || strings.HasPrefix(path, library+"/")
}

func TestBorders(t *testing.T) {
	exists, used := map[string]bool{}, map[string]bool{}
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		exists[name] = true
		_, ruled := arrows[name]
		ruled = ruled || strings.HasPrefix(name, lessonPrograms)
		leaf := slices.Contains(strings.Fields(leaves), name)
		if !ruled && !leaf && !tool(name) {
			t.Errorf("%s: a package without a line in arrows", name)
		}

		// of this module
		may := append(allowed(name), strings.Fields(leaves)...)
		for _, d := range p.Deps {
			ours, ok := strings.CutPrefix(d, module+"/")
			if ok && (leaf && ours != "hint" || ruled && !slices.Contains(may, ours)) && ours != name {
				t.Errorf("%s needs %s, and may not", name, ours)
			}
			if ours == "internal/testkit" {
				t.Errorf("%s needs %s, which is for tests", name, ours)
			}
		}
		for _, to := range strings.Fields(arrows[name]) {
			if !slices.Contains(p.Deps, module+"/"+to) {
				t.Errorf("arrows: %s does not need %s", name, to)
			}
		}

		// libraries
		for library, users := range libraries {
			if slices.ContainsFunc(p.Imports, func(path string) bool { return within(path, library) }) {
				used[library+" "+name] = true
				if !tool(name) && !slices.Contains(strings.Fields(users), name) {
					t.Errorf("%s imports %s, and may not", name, library)
				}
			}
		}
		for _, library := range strings.Fields(notLinked[name]) {
			if slices.ContainsFunc(p.Deps, func(path string) bool { return within(path, library) }) {
				t.Errorf("%s links %s", name, library)
			}
		}
	}

	// stale lines
	for name := range arrows {
		if !exists[name] {
			t.Errorf("arrows: %s does not exist", name)
		}
	}
	for name := range toCome {
		if exists[name] {
			t.Errorf("toCome: %s exists: move it to arrows", name)
		}
	}
	for library, users := range libraries {
		for _, name := range strings.Fields(users) {
			if !used[library+" "+name] {
				t.Errorf("libraries: %s does not import %s", name, library)
			}
		}
	}
}

// tool reports whether a package serves the project itself, and no user runs it.
func tool(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "" || top == "benchmark" || top == "scripts" || top == "hardening" || top == "validation" ||
		name == "internal/testkit" || strings.HasPrefix(name, lessonPrograms) || strings.Contains(name, "/internal/")
}
