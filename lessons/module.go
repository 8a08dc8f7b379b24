package lessons

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	minictr "github.com/minictr/minictr"
)

// An exercise in Go is a module of its own, in which the plan language is a directory. It
// needs one more module, golang.org/x/sys, which minictr itself was built with.
const (
	ownModule = "github.com/minictr/minictr"
	sysModule = "golang.org/x/sys"
)

const goMod = `module lesson

%s

require (
	%s v0.0.0
	%s
)

replace %[2]s => ./minictr
`

// moduleFiles returns go.mod and go.sum of an exercise, and the directory minictr.
func moduleFiles() []file {
	version := requirement()
	sums := slices.DeleteFunc(strings.SplitAfter(source("go.sum"), "\n"), func(line string) bool {
		return !strings.HasPrefix(line, strings.Fields(version)[0]+" "+strings.Fields(version)[1])
	})
	list := []file{
		text("go.mod", fmt.Sprintf(goMod, goVersion(), ownModule, version)),
		text("go.sum", strings.Join(sums, "")),
		{"minictr", fs.ModeDir | 0o755, nil},
		text("minictr/go.mod", fmt.Sprintf("module %s\n\n%s\n\nrequire %s\n", ownModule, goVersion(), version)),
		text("minictr/go.sum", strings.Join(sums, "")),
	}
	fs.WalkDir(minictr.Source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case name == "." || path.Dir(name) == "." && !d.IsDir(), strings.HasSuffix(name, "_test.go"):
		case d.IsDir():
			list = append(list, file{path.Join("minictr", name), fs.ModeDir | 0o755, nil})
		default:
			list = append(list, text(path.Join("minictr", name), source(name)))
		}
		return err
	})
	return list
}

func text(name, data string) file { return file{name, 0o644, []byte(data)} }

// source returns an embedded file of the module. A test reads all of them.
func source(name string) string {
	data, err := minictr.Source.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// requirement returns the version of x/sys that go.mod requires: "golang.org/x/sys v0.49.0".
func requirement() string { return modLine(sysModule + " ") }

// goVersion returns the line "go 1.26.0".
func goVersion() string { return modLine("go ") }

func modLine(prefix string) string {
	for line := range strings.Lines(source("go.mod")) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}
