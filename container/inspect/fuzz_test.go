package inspect_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/testkit"
)

// FuzzSettings: whatever a power cut has left in a container's files, commands that read
// it give an error or an answer.
func FuzzSettings(f *testing.F) {
	testkit.NeedRoot(f)
	root, dir := f.TempDir(), f.TempDir()
	archive := filepath.Join(dir, "image.tar")
	testkit.Check(f, os.WriteFile(archive, testkit.Tar(
		testkit.File("manifest.json", 0o644, `[{"Config":"c.json","RepoTags":["x:1"],"Layers":[]}]`),
		testkit.File("c.json", 0o644, `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}`),
	), 0o600))
	store, err := images.Open(root)
	testkit.Check(f, err)
	_, err = store.Load(f.Context(), archive, images.LoadOptions{})
	testkit.Check(f, err)
	id, err := lifecycle.Create(root, "x:1", &config.Options{
		Command: []string{"true"}, HealthOptions: config.HealthOptions{HealthCmd: "true"},
	})
	testkit.Check(f, err)
	path := func(name string) string { return filepath.Join(root, "containers", id, name) }
	names := []string{"settings.json", "config.json", "exit.json"}
	var whole [3][]byte
	for i, name := range names[:2] {
		whole[i] = []byte(testkit.ReadFile(f, path(name)))
	}
	whole[2] = []byte(`{"ExitCode":1,"Started":"2026-01-01T00:00:00Z","Signal":9,"OOM":{"Limit":1},"FastExits":3}`)
	f.Add(whole[0], whole[1], whole[2])
	f.Add([]byte(`{"Format":2,"Health":{}}`), []byte(`{"process":{}}`), []byte(`{}`))
	f.Add([]byte(`{"Format":2}`), []byte(`{"process":{"args":["x"]},"root":{},`+
		`"linux":{"resources":{"blockIO":{"weightDevice":[{}]}}}}`), []byte(`{"ExitCode":`))
	f.Fuzz(func(t *testing.T, settings, config, exit []byte) {
		for i, data := range [][]byte{settings, config, exit} {
			testkit.Check(t, os.WriteFile(path(names[i]), bytes.Clone(data), 0o600))
		}
		filters := []string{"label=a", "volume=/x", "health=none"}
		inspect.List(root, inspect.Query{All: true, Size: true, Filters: filters})
		inspect.Container(root, id, true)
		inspect.Logs(t.Context(), root, id, logs.Options{Tail: 1}, true, io.Discard, io.Discard)
		inspect.ReadStats(root, []string{id}, true, nil)
	})
}
