package minictr_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deletions lists the files that remove something, and by which mark they know that it
// is minictr's own (package internal/owned).
var deletions = map[string]string{
	"benchmark/bench/main.go":           "the scratch directory, which it has made or checked",
	"benchmark/engine/engine.go":        "below the scratch directory",
	"benchmark/engine/start.go":         "below the scratch directory",
	"benchmark/machine/disk.go":         "below the scratch directory",
	"benchmark/machine/vagrant.go":      "below the scratch directory",
	"benchmark/measure.go":              "below the scratch directory",
	"cmd/minictr/save.go":               "its temporary file",
	"container/files.go":                "a file of a container, which Open has checked",
	"container/initlayer.go":            "name and owner of an init layer, in a marked store",
	"container/lifecycle/create.go":     "a file of --cidfile that it has made",
	"container/lifecycle/stop.go":       "the cgroup that has the ID of the container that rm --force names",
	"container/names.go":                "a link to the container that is removed",
	"container/recover.go":              "a task of a container, and a link to one that is gone",
	"container/volumes.go":              "a container, by its ID in a marked store, which Open or recovery has checked",
	"container/volume/make.go":          "a scratch directory with the mark of a volume, or an empty one",
	"container/volume/remove.go":        "an empty scratch directory",
	"doctor/cgroup.go":                  "the cgroup with its process ID in the name, if that is empty",
	"doctor/store.go":                   "its temporary directory",
	"images/archive.go":                 "its temporary file",
	"images/archive_stream.go":          "below its scratch directory",
	"images/lock.go":                    "name and owner of a scratch directory (own.go), in a marked store",
	"images/partial.go":                 "name and type of a partial blob (own.go), in a marked store",
	"images/remove.go":                  "name and type of a blob (own.go), in a marked store",
	"images/staged_layer.go":            "below its scratch directory",
	"images/repair.go":                  "a damaged blob: its name and type (own.go), in a marked store",
	"images/source.go":                  "a file of the cache with its key as name",
	"internal/atomicfile/atomicfile.go": "its temporary file",
	"internal/owned/remove.go":          "what its caller has checked",
	"layers/aufs.go":                    "below its scratch directory",
	"layers/entry.go":                   "what an earlier entry of the tar has made, or a file that cp replaces",
	"layers/store.go":                   "a layer that List has listed, and the text of a short link",
	"lessons/scratch.go":                "name, owner and lock of a scratch directory; its cgroup",
	"runtime/cgroup/cgroup.go":          "what its caller has checked",
	"runtime/compile/options.go":        "a directory of overlayfs in the work directory of a container",
	"runtime/notify.go":                 "a socket in the state directory of a container",
	"runtime/plan/call/files.go":        "the empty cgroup of the container that is created",
	"runtime/process.go":                "the cgroup that the process was created in",
	"runtime/state/dir.go":              "a container with a record of its ID",
	"runtime/state/recover.go":          "a leftover in a marked root, and the cgroup in its record",
}

// TestDeletions: every file that removes something is in the list, with its reason, and no
// other; trees are removed by owned.RemoveAll, which enters no mount point.
func TestDeletions(t *testing.T) {
	call := regexp.MustCompile(
		`\b(os\.Remove|unix\.(Unlink|Unlinkat|Rmdir)|owned\.RemoveAll|cgroup\.Remove)\(|SYS_UNLINKAT`)
	other := regexp.MustCompile(`\b(os\.RemoveAll|syscall\.(Unlink|Rmdir)|root\.Remove(All)?)\(`)
	var found []string
	eachGoFile(t, func(path, text string) {
		top, _, _ := strings.Cut(path, "/")
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "lessons/build/") ||
			slices.Contains([]string{"hardening", "validation", "scripts"}, top) {
			return
		}
		if other.MatchString(text) {
			t.Errorf("%s: removes with %s, not with owned.RemoveAll", path, other.FindString(text))
		}
		if call.MatchString(text) {
			found = append(found, path)
		}
	})
	for _, path := range found {
		if deletions[path] == "" {
			t.Errorf("%s: removes something, and is not listed in deletions", path)
		}
	}
	for path := range deletions {
		if !slices.Contains(found, path) {
			t.Errorf("%s: is listed in deletions, and removes nothing", path)
		}
	}
}
