package lessons

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// TestTexts: what a text shows is what is printed. In a block, a line that begins with "$ "
// is a command, and those behind it are its output; "…" is any text, and as a line of its own
// any number of lines. A block behind "```memory" needs that cgroup controller. All blocks of a
// text are typed into one shell, as one student does.
func TestTexts(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	testkit.NeedTool(t, "bash", "minictr")
	for _, l := range list {
		t.Run(l.Name, func(t *testing.T) {
			commands := typedCommands(l.Text())
			if len(commands) == 0 {
				t.Skip("no commands with their output")
			}
			store(t)
			for _, c := range commands {
				testkit.NeedTool(t, tools(c.text)...)
			}
			for i, got := range typeAll(t, textDir(t, &l), commands) {
				if want := commands[i].output; !matches(want, got) {
					t.Errorf("$ %s\n%s\nwant:\n%s", commands[i].text, got, want)
				}
			}
		})
	}
}

// textDir returns the directory in which the commands of a text are typed: an empty one, or,
// for a lesson in Go, that of the exercise with our program.
func textDir(t *testing.T, l *Lesson) string {
	t.Helper()
	if l.Track == Understand {
		return t.TempDir()
	}
	testkit.NeedTool(t, "go")
	_, dir := start(t, l)
	testkit.Check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(l.Solution()), 0o644))
	return dir
}

// command is a command in a text, and the output that the text shows.
type command struct{ text, output string }

var block = regexp.MustCompile("(?ms)^```(\\w*)\n(\\$ .*?)^```\n")

// typedCommands returns the commands of a text's blocks.
func typedCommands(text string) (list []command) {
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		if m[1] != "" && !hasController(m[1]) {
			continue
		}
		for line := range strings.Lines(m[2]) {
			if text, ok := strings.CutPrefix(line, "$ "); ok {
				list = append(list, command{text: strings.TrimSuffix(text, "\n")})
			} else {
				list[len(list)-1].output += line
			}
		}
	}
	return list
}

func hasController(name string) bool {
	mount, err := cgroup.Mount()
	return err == nil && slices.Contains(cgroup.Available(mount), name)
}

// tools returns the programs of a command that a computer may lack.
func tools(text string) (list []string) {
	for word := range strings.FieldsSeq(text) {
		word = word[strings.LastIndexByte(word, '(')+1:] // $(COMMAND
		if slices.Contains([]string{"findmnt", "pgrep", "ps", "strace", "unshare"}, word) {
			list = append(list, word)
		}
	}
	return list
}

// typeAll types commands into one shell, and returns the output of each.
func typeAll(t *testing.T, dir string, commands []command) (outputs []string) {
	t.Helper()
	const mark = "--answer--\n"
	script := "sudo() { \"$@\"; }\nunset LESSON\n"
	for _, c := range commands {
		script += fmt.Sprintf("%s\nprintf '%%s' '%s'\n", c.text, mark)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sh := exec.CommandContext(ctx, "bash", "-c", "exec 2>&1\n"+script)
	sh.Dir, sh.WaitDelay = dir, time.Second // for processes in the background that keep the pipe
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := sh.Output()
	unix.Kill(-sh.Process.Pid, unix.SIGKILL)
	outputs = strings.Split(string(out), mark)
	if err != nil || len(outputs) != len(commands)+1 {
		t.Fatalf("%v: %d commands: %s", err, len(commands), out)
	}
	return outputs[:len(commands)]
}

// matches reports whether an output is the one of a text.
func matches(want, got string) bool {
	pattern := regexp.QuoteMeta(want)
	pattern = regexp.MustCompile(`(?m)^…\n`).ReplaceAllString(pattern, "(?:.*\n)*?")
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}
