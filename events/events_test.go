package events

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// newStore returns an empty store.
func newStore(t *testing.T) (root string) {
	root = t.TempDir()
	testkit.Check(t, owned.Mark(root, owned.Store))
	return root
}

// add appends an event of a container.
func add(root, id string, pairs ...string) {
	attributes := map[string]string{"image": "demo:1", "name": "web"}
	for i := 0; i < len(pairs); i += 2 {
		attributes[pairs[i]] = pairs[i+1]
	}
	Append(root, Container, "start", Actor{id, attributes})
}

// ids returns the IDs of all events of a journal, in order.
func ids(t *testing.T, root string) (all []string) {
	t.Helper()
	journal := tail{dir: filepath.Join(root, Dir), do: func(e *Event) error {
		all = append(all, e.Actor.ID)
		return nil
	}}
	defer journal.close()
	testkit.Check(t, journal.read())
	return all
}

func TestConcurrentWritersDoNotMix(t *testing.T) {
	root := newStore(t)
	const writers, events = 8, 100
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range events {
				add(root, fmt.Sprint(w, "-", i), "label", strings.Repeat("x", 5000))
			}
		})
	}
	all.Wait()
	testkit.Equal(t, "events", len(ids(t, root)), writers*events)
}

// TestCutOffLineIsAlone: what a full disk left of an event spoils neither the one before nor
// the one after it.
func TestCutOffLineIsAlone(t *testing.T) {
	line, err := newEvent(Container, "start", Actor{"cut", map[string]string{"a": `{"x"`}}).line()
	testkit.Check(t, err)
	for n := range len(line) - 1 {
		root := newStore(t)
		add(root, "before")
		appendLine(filepath.Join(root, Dir), line[:n])
		add(root, "after")
		what := fmt.Sprint("events with ", n, " bytes between")
		testkit.Equal(t, what, strings.Join(ids(t, root), " "), "before after")
	}
}

// TestJournalIsBounded: two files are kept, and who follows misses nothing of those that
// were replaced.
func TestJournalIsBounded(t *testing.T) {
	root := newStore(t)
	add(root, "0")
	const last = "40"
	big := strings.Repeat("x", 300<<10)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Timeout)
	defer cancel()
	read := make(chan string)
	go func() {
		Follow(ctx, root, Query{Since: time.Unix(0, 0)}, func(e *Event) error { read <- e.Actor.ID; return nil })
		close(read)
	}()
	testkit.Equal(t, "event", <-read, "0")
	for i := 1; i <= 40; i++ {
		add(root, fmt.Sprint(i), "big", big)
		testkit.Equal(t, "event", <-read, fmt.Sprint(i))
	}
	cancel()
	for range read {
	}
	files, err := os.ReadDir(filepath.Join(root, Dir))
	testkit.Check(t, err)
	size := 0
	for _, f := range files {
		size += len(testkit.ReadFile(t, filepath.Join(root, Dir, f.Name())))
	}
	if len(files) != 2 || size > 2*(maxSize+len(big)+1000) {
		t.Errorf("%d files of %d bytes", len(files), size)
	}
	kept := ids(t, root)
	testkit.Equal(t, "the last event kept", kept[len(kept)-1], last)
}

// TestFileSizeLimit: a command with ulimit -f is not killed by the journal.
func TestFileSizeLimit(t *testing.T) {
	root := newStore(t)
	add(root, "1")
	var old unix.Rlimit
	testkit.Check(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	testkit.Check(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 300, Max: old.Max}))
	add(root, "2")
	testkit.Check(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old))
	add(root, "3")
	testkit.Equal(t, "events", strings.Join(ids(t, root), " "), "1 3")
}

// TestOnlyStoresHaveAJournal: nothing is written beside somebody's own files.
func TestOnlyStoresHaveAJournal(t *testing.T) {
	project := t.TempDir()
	testkit.Check(t, os.Mkdir(filepath.Join(project, Dir), 0o755))
	for _, root := range []string{project, filepath.Join(project, "none")} {
		add(root, "1")
		testkit.Equal(t, "events", len(ids(t, root)), 0)
	}
	all, err := filepath.Glob(filepath.Join(project, "*", "*"))
	testkit.Check(t, err)
	testkit.Equal(t, "files", len(all), 0)
}

func TestFilters(t *testing.T) {
	e := newEvent(Container, "exec_create: sh -c x", Actor{
		"0123456789ab", map[string]string{"name": "web", "image": "host:5000/a/demo:1", "tier": "front"},
	})
	image := newEvent(Image, "pull", Actor{"demo:1", map[string]string{"name": "demo"}})
	for words, want := range map[string]string{
		"":                                "both",
		"type=container":                  "container",
		"type=image":                      "image",
		"type=image type=container":       "both",
		"type=image event=exec_create":    "none",
		"container=we":                    "container", // a prefix, as docker
		"container=0123":                  "container",
		"container=b":                     "none",
		"event=exec_create":               "container",
		"event=exec_create: sh -c x":      "container",
		"event=exec":                      "none",
		"image=host:5000/a/demo":          "container",
		"image=host:5000/a/demo:1":        "container",
		"image=demo":                      "image",
		"image=demo:2":                    "none",
		"label=tier":                      "container",
		"label=tier=front":                "container",
		"label=tier=front label=other":    "none",
		"scope=local":                     "both",
		"scope=swarm":                     "none",
		"container=web image=demo:1":      "none",
		"type=container\ntype=nosuchtype": "container",
	} {
		var list []string
		for _, word := range strings.FieldsFunc(words, func(r rune) bool { return r == '\n' }) {
			if strings.HasPrefix(word, "event=") {
				list = append(list, word)
			} else {
				list = append(list, strings.Fields(word)...)
			}
		}
		f, err := ParseFilters(list)
		testkit.Check(t, err)
		got := map[[2]bool]string{{true, true}: "both", {true, false}: "container", {false, true}: "image"}[[2]bool{
			f.Match(e), f.Match(image)}]
		if got == "" {
			got = "none"
		}
		testkit.Equal(t, words, got, want)
	}
	_, err := ParseFilters([]string{"node=x"})
	testkit.WantError(t, "node=x", err, `--filter "node=x": no such filter`)
	_, err = ParseFilters([]string{"type"})
	testkit.WantError(t, "type", err, `--filter "type": no value`)
}

// FuzzParse: whatever precedes an event on its line, the event is found.
func FuzzParse(f *testing.F) {
	line, err := newEvent(Container, "start", Actor{"id", map[string]string{"name": "web"}}).line()
	if err != nil {
		f.Fatal(err)
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	f.Add([]byte(`{"status":"start","Actor":{"ID":"{\"`))
	f.Add(line[:len(line)-1])
	f.Fuzz(func(t *testing.T, before []byte) {
		e, ok := parse(append(bytes.Clone(before), line...))
		if !ok || e.Type == "" {
			t.Fatalf("no event behind %q", before)
		}
	})
}
