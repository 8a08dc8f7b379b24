package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

const many = 16

// TestAtOnce: of many commands at once that want the same, one succeeds, and the others
// are told why they do not; different ones do not disturb each other.
func TestAtOnce(t *testing.T) {
	testkit.NeedRoot(t)
	c := crash{bundle: t.TempDir(), root: t.TempDir()}
	testkit.Check(t, writeBundle(c.bundle, "", `{"linux": {"cgroupsPath": null}}`))
	id := fmt.Sprintf("at-once-%d", os.Getpid()) // unique, for it names the cgroup
	wantOne(t, c.atOnce(t, slices.Repeat([]string{"create --bundle BUNDLE " + id}, many)),
		"container with given ID already exists")
	wantOne(t, c.atOnce(t, slices.Repeat([]string{"start " + id}, many)), "cannot start an already running container")
	var create []string
	remove := slices.Repeat([]string{"delete --force " + id}, many)
	for n := range many {
		create = append(create, fmt.Sprintf("create --bundle BUNDLE %s-%d", id, n))
		remove = append(remove, fmt.Sprintf("delete --force %s-%d", id, n))
	}
	for _, failed := range slices.Concat(c.atOnce(t, create), c.atOnce(t, remove)) {
		t.Error(failed)
	}
	if left := leftover(t, c.root); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestForcedDeleteDuringCreate: delete --force succeeds at any moment of a create. The create
// fails if it was killed.
func TestForcedDeleteDuringCreate(t *testing.T) {
	testkit.NeedRoot(t)
	c := crash{bundle: t.TempDir(), root: t.TempDir()}
	testkit.Check(t, writeBundle(c.bundle, "", `{"linux": {"cgroupsPath": null}}`))
	var both, remove []string
	for n := range many {
		id := fmt.Sprintf("during-create-%d-%d", os.Getpid(), n)
		both = append(both, "create --bundle BUNDLE "+id, "delete --force "+id)
		remove = append(remove, "delete --force "+id)
	}
	for _, failed := range slices.Concat(c.atOnce(t, both), c.atOnce(t, remove)) {
		if strings.HasPrefix(failed, "delete") {
			t.Error(failed)
		}
	}
	if left := leftover(t, c.root); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// atOnce runs all commands, with list in between, and returns the output of those that
// failed.
func (c crash) atOnce(t *testing.T, lines []string) (failed []string) {
	t.Helper()
	var all sync.WaitGroup
	var lock sync.Mutex
	for _, line := range append(lines, "list", "list", "list") {
		all.Go(func() {
			out, err := c.run(t, line)
			if err != nil {
				lock.Lock()
				defer lock.Unlock()
				failed = append(failed, line+": "+out)
			}
		})
	}
	all.Wait()
	return failed
}

// wantOne fails the test unless all but one failed, for this reason.
func wantOne(t *testing.T, failed []string, reason string) {
	t.Helper()
	if len(failed) != many-1 {
		t.Errorf("%d of %d failed, want all but one", len(failed), many)
	}
	for _, text := range failed {
		if !strings.Contains(text, reason) {
			t.Errorf("%s, want %s", text, reason)
		}
	}
}
