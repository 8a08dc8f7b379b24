package hardening

// Two commands at once on one container: one succeeds, the other gets a true error, and
// nothing is left.

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minictr/minictr/internal/owned"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// atOnce starts commands at the same moment.
func atOnce(do func(*exec.Cmd) result, commands ...*exec.Cmd) []result {
	results := make([]result, len(commands))
	var all sync.WaitGroup
	for i, cmd := range commands {
		all.Go(func() { results[i] = do(cmd) })
	}
	all.Wait()
	return results
}

// TestTwoCommandsOneContainer: each of two concurrent commands exits with 0 or with an
// error of the list.
func TestTwoCommandsOneContainer(t *testing.T) {
	guard(t)
	for _, test := range []struct {
		first, second []string
		winners       int // how many may succeed; 0 is any number
		errors        []string
	}{
		{[]string{"create"}, []string{"create"}, 1, []string{"already exists"}},
		{[]string{"start"}, []string{"start"}, 1, []string{"already running"}},
		{[]string{"delete", "--force"}, []string{"delete", "--force"}, 2, nil},
		{[]string{"delete", "--force"}, []string{"delete"}, 0, []string{"not stopped", "does not exist"}},
		{[]string{"delete", "--force"}, []string{"exec", "--", "true"}, 0,
			[]string{"does not exist", "stopped", "not running", "created", "process", "no such", "killed before"}},
		{[]string{"delete", "--force"}, []string{"start"}, 0, []string{"does not exist", "stopped", "already running"}},
		{[]string{"delete", "--force"}, []string{"state"}, 0, []string{"does not exist"}},
		{[]string{"delete", "--force"}, []string{"create"}, 0, []string{"already exists"}},
		{[]string{"start"}, []string{"kill", "--", "KILL"}, 0, []string{"stopped", "not running", "killed",
			"already running"}},
		{[]string{"pause"}, []string{"delete", "--force"}, 0, []string{"not running", "does not exist", "no such"}},
	} {
		for range 6 {
			b := newBundle(t, "/probe", "sleep")
			if test.first[0] != "create" {
				b.create(t).want(t, 0)
				if test.second[0] == "exec" || test.first[0] == "pause" {
					run(b.oci("start")).want(t, 0)
				}
			}
			made := func(words []string) *exec.Cmd {
				if words[0] == "create" {
					return b.creating(t)
				}
				return b.oci(words[0], words[1:]...)
			}
			p := &killedBundle{bundle: b, t: t, outputDir: outputDir(t.TempDir())}
			q := &killedBundle{bundle: b, t: t, outputDir: outputDir(t.TempDir())}
			first, second := made(test.first), made(test.second)
			results := atOnce(func(cmd *exec.Cmd) result {
				if cmd == first {
					return p.do(cmd)
				}
				return q.do(cmd)
			}, first, second)
			won := 0
			for i, r := range results {
				known := slices.ContainsFunc(test.errors, func(e string) bool { return strings.Contains(r.stdout, e) })
				killed := r.code == 137 && i == 1 && test.second[0] == "exec" // its process was killed
				if r.code == 0 {
					won++
				} else if !known && !killed || strings.Contains(r.stdout, "panic") {
					t.Errorf("%q and %q: the %d. says %+v", test.first, test.second, i+1, r)
				}
			}
			if test.winners > 0 && won != test.winners {
				t.Errorf("%q and %q: %d of them succeed: %+v", test.first, test.second, won, results)
			}
			if _, err := p.status(); err != nil {
				t.Errorf("%q and %q: %v", test.first, test.second, err)
			}
			if err := p.gone(); err != nil {
				t.Errorf("%q and %q: %v", test.first, test.second, err)
			}
		}
	}
}

// TestHundredBundles: ten clients at once run ten containers each.
func TestHundredBundles(t *testing.T) {
	guard(t)
	var all sync.WaitGroup
	for range 10 {
		b := newBundle(t, "/probe", "sleep")
		b.save(t)
		p := &killedBundle{bundle: b, t: t, outputDir: outputDir(t.TempDir())}
		all.Go(func() {
			for range 10 {
				if err := p.lives(); err != nil {
					t.Error(err)
				}
				if s, err := p.status(); err != nil || s != specs.StateRunning {
					t.Errorf("it is %q: %v", s, err)
				}
				if err := p.wants("exec", "--", "true"); err != nil {
					t.Error(err)
				}
				if err := p.gone(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	left, _ := filepath.Glob(filepath.Join(states, "*"))
	left = slices.DeleteFunc(left, func(path string) bool { return filepath.Base(path) == owned.MarkName })
	if len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
