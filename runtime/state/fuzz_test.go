package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// FuzzRecord: whatever state.json holds, its container is read or refused, never taken for
// one that runs, and the others of the root are listed.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`{"ociVersion":"1.2.0","id":"damaged","bun`))
	f.Add([]byte(`{"id":"other","pid":1,"boot":"","startTime":0,"cgroup":"/sys/fs/cgroup"}`))
	f.Add([]byte(`{"id":"damaged","pid":-1,"created":"2026-02-30T25:00:00Z","cgroupInode":1e99}`))
	f.Add([]byte(`{"id":"damaged","annotations":{"a":"b"},"hooks":{"poststop":[{"path":"/bin/true","timeout":1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		root := t.TempDir()
		for _, id := range []string{"damaged", "whole"} {
			d := newDir(t, root, id)
			testkit.Check(t, d.Save(), d.Commit())
			d.Unlock()
		}
		path := filepath.Join(root, "damaged", "state.json")
		testkit.Check(t, os.WriteFile(path, data, 0o600))

		if d, err := OpenReadOnly(root, "damaged"); err == nil {
			testkit.Equal(t, "id", d.ID(), "damaged")
			if status, err := d.Status(); err == nil && status == specs.StateRunning {
				t.Errorf("running: %s", data)
			}
			var again Record
			testkit.Check(t, d.Save(), again.read(d.Path("")))
			testkit.Equal(t, "record read again", again.Process, d.Record.Process)
		}
		list, _ := List(root) // the error is about the damaged one
		if len(list) == 0 || list[len(list)-1].ID() != "whole" {
			t.Errorf("listed: %v", list)
		}
	})
}
