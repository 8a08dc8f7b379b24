package owned

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
)

// TestCheck: a directory is minictr's if it has the mark; one without is refused unless
// it is empty, and so is a mark that this minictr has not made.
func TestCheck(t *testing.T) {
	link := func(text string) func(dir string) error {
		return func(dir string) error { return os.Symlink(text, filepath.Join(dir, MarkName)) }
	}
	file := func(name, text string) func(dir string) error {
		return func(dir string) error {
			return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		}
	}
	mark := func(kind Kind) func(dir string) error {
		return func(dir string) error { return Mark(dir, kind) }
	}
	twice := func(dir string) error { return errors.Join(Mark(dir, Store), Mark(dir, Store)) }
	lostFound := func(dir string) error { return os.Mkdir(filepath.Join(dir, "lost+found"), 0o700) }
	const foreign = "not made by minictr, and not empty"
	const other = "another directory"
	tests := map[string]struct {
		make      func(dir string) error
		marked    bool
		err, hint string
	}{
		"missing":        {make: os.Remove},
		"empty":          {},
		"new filesystem": {make: lostFound},
		"store":          {make: mark(Store), marked: true},
		"marked twice":   {make: twice, marked: true},
		"project":        {make: file("README", ""), err: foreign, hint: "an empty directory"},
		"older store":    {make: olderStore, err: foreign, hint: "ln -s 'store version 1'"},
		"newer store":    {make: link("store version 2"), err: "store of version 2, not 1", hint: "that has made it"},
		"state":          {make: mark(State), err: "uses it as state", hint: other},
		"half a mark":    {make: link("store ver"), err: `text "store ver"`, hint: other},
		"no version":     {make: link("store version "), err: `text "store version "`, hint: other},
		"another kind":   {make: link("nest version 1"), err: `text "nest version 1"`, hint: other},
		"a file as mark": {make: file(MarkName, "store version 1"), err: "not a mark", hint: other},
		"a link to /":    {make: link("/"), err: `text "/"`, hint: other},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.make != nil {
				testkit.Check(t, test.make(dir))
			}
			marked, err := Check(dir, Store)
			testkit.Equal(t, "marked", marked, test.marked)
			if test.err == "" {
				testkit.Check(t, err)
				return
			}
			testkit.WantError(t, "Check", err, test.err)
			testkit.WantError(t, "hint", errorText(hint.Of(err)), test.hint)
		})
	}
}

type errorText string

func (e errorText) Error() string { return string(e) }

// olderStore makes a store as the minictr without marks did.
func olderStore(dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "layers"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.lock"), nil, 0o600)
}

// TestMarkOfOtherUser: root does not take a directory for its own because another user
// has marked it.
func TestMarkOfOtherUser(t *testing.T) {
	testkit.NeedRoot(t)
	dir := t.TempDir()
	testkit.Check(t, Mark(dir, Store), os.Lchown(filepath.Join(dir, MarkName), 65534, 65534))
	_, err := Check(dir, Store)
	testkit.WantError(t, "Check", err, "made by another user")
	testkit.WantError(t, "Mark", Mark(dir, Store), "made by another user")
}

// TestIsDir: a link to a directory, a file and a directory of another user are not
// minictr's.
func TestIsDir(t *testing.T) {
	testkit.NeedRoot(t)
	top := t.TempDir()
	dir, link, file, other := top+"/dir", top+"/link", top+"/file", top+"/other"
	testkit.Check(t, os.Mkdir(dir, 0o700), os.Symlink(dir, link), os.WriteFile(file, nil, 0o600),
		os.Mkdir(other, 0o700), os.Chown(other, 65534, 65534))
	testkit.Equal(t, "directory", IsDir(dir), true)
	for _, path := range []string{link, file, other, top + "/missing"} {
		testkit.Equal(t, path, IsDir(path), false)
	}
}
