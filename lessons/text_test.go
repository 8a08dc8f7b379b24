package lessons

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestTexts: what a text shows is what is printed. In a block, a line that begins with "$ "
// is a command, and those behind it are its output; "…" is any text, and as a line of its own
// any number of lines. All blocks of a text are typed into one shell, as one student does.
func TestTexts(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
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
			for i, got := range typeAll(t, commands) {
				if want := commands[i].output; !matches(want, got) {
					t.Errorf("$ %s\n%s\nwant:\n%s", commands[i].text, got, want)
				}
			}
		})
	}
}

// command is a command in a text, and the output that the text shows.
type command struct{ text, output string }

var block = regexp.MustCompile("(?ms)^```\n(\\$ .*?)^```\n")

// typedCommands returns the commands of a text's blocks.
func typedCommands(text string) (list []command) {
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(m[1]) {
			if text, ok := strings.CutPrefix(line, "$ "); ok {
				list = append(list, command{text: strings.TrimSuffix(text, "\n")})
			} else {
				list[len(list)-1].output += line
			}
		}
	}
	return list
}

// tools returns the programs of a command that a computer may lack.
func tools(text string) (list []string) {
	for word := range strings.FieldsSeq(text) {
		if word == "strace" || word == "lsns" || word == "ps" {
			list = append(list, word)
		}
	}
	return list
}

// typeAll types commands into one shell, and returns the output of each.
func typeAll(t *testing.T, commands []command) (outputs []string) {
	t.Helper()
	const mark = "--answer--\n"
	script := "sudo() { \"$@\"; }\nunset LESSON\n"
	for _, c := range commands {
		script += fmt.Sprintf("%s\nprintf '%%s' '%s'\n", c.text, mark)
	}
	sh := exec.Command("bash", "-c", "exec 2>&1\n"+script)
	sh.Dir = filepath.Dir(t.TempDir())
	out, err := sh.Output()
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
