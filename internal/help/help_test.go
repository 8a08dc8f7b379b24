package help

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// command is what --help lists as one, flag the same of a flag.
var (
	heading = regexp.MustCompile(`(?m)^([A-Z]\w*):$`)
	command = regexp.MustCompile(`^  ([a-z]+)(?: |$)`)
	flags   = regexp.MustCompile(`^ {2}(?:-\w, | {4})--[a-z]`)
)

func TestHelpFits(t *testing.T) {
	for _, name := range []string{"minictr", "minictr-oci"} {
		binary := filepath.Join(t.TempDir(), name)
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../../cmd/"+name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		if n := checkHelp(t, binary); n < 15 {
			t.Errorf("%s: %d commands in all", name, n)
		}
	}
}

// checkHelp checks the help of a command and of those that it lists, and returns
// how many they are.
func checkHelp(t *testing.T, words ...string) int {
	out, err := exec.Command(words[0], append(words[1:], "--help")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
	n, under := 1, ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > width {
			t.Errorf("%v: %d columns: %s", words[1:], utf8.RuneCountInString(line), line)
		}
		if h := heading.FindStringSubmatch(line); h != nil {
			under = h[1]
		}
		if flags.MatchString(line) && under == "" {
			t.Errorf("%v: no heading above %s", words[1:], line)
		}
		if c := command.FindStringSubmatch(line); c != nil && under != "" {
			n += checkHelp(t, append(slices.Clone(words), c[1])...)
		}
	}
	return n
}

func TestFlagsFirst(t *testing.T) {
	app := &cli.App{
		Flags: []cli.Flag{&cli.StringFlag{Name: "root"}},
		Commands: []*cli.Command{
			{Name: "run", ArgsUsage: "IMAGE [COMMAND [ARGUMENT…]]", Flags: []cli.Flag{
				&cli.BoolFlag{Name: "rm"}, &cli.BoolFlag{Name: "t"}, &cli.StringSliceFlag{Name: "v"},
			}},
			{Name: "logs", ArgsUsage: "CONTAINER", Flags: []cli.Flag{
				&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}},
				&cli.StringFlag{Name: "tail", Aliases: []string{"n"}},
			}},
			{Name: "layers", Subcommands: []*cli.Command{{Name: "ls", ArgsUsage: "IMAGE…"}}},
		},
	}
	for line, want := range map[string]string{
		"":                        "",
		"--root":                  "--root",
		"dance x -f":              "dance x -f",
		"logs":                    "logs --",
		"logs web -f":             "logs -f -- web",
		"logs web --tail 1 -f":    "logs --tail 1 -f -- web",
		"logs web --tail=1 x":     "logs --tail=1 -- web x",
		"logs -fn 1 web":          "logs -f -n 1 -- web",
		"logs -fn1 web":           "logs -f -n=1 -- web",
		"logs web -n=1":           "logs -n=1 -- web",
		"logs web -fx1":           "logs -fx1 -- web",
		"run -tv/a:/b demo -tv/a": "run -t -v=/a:/b demo -tv/a",
		"logs web --tail":         "logs --tail",
		"logs web -n 1 --tail=2":  "logs -n 1 -n=2 -- web", // of two names, the first
		"logs --follow -fn2 web":  "logs --follow --follow -n=2 -- web",
		"logs -f -- web -f":       "logs -f -- web -f",
		"logs - --nosuch":         "logs --nosuch -- -",
		"--root logs logs web -f": "--root logs logs -f -- web",
		"run --rm demo ls -f":     "run --rm demo ls -f",
		"layers ls demo --json":   "layers ls --json -- demo",
		"layers":                  "layers",
	} {
		args := append([]string{"minictr"}, strings.Fields(line)...)
		if got := strings.Join(reorder(app.Commands, args, firstWord(app, args))[1:], " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
