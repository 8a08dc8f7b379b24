package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// TestLogAsEnginesReadIt: containerd's shim decodes one object after the other, podman the
// whole file as one, and both need level and message.
func TestLogAsEnginesReadIt(t *testing.T) {
	for _, msg := range []string{
		"start web: no such program", "two\nlines", `"quoted" \ and <tagged>`, "\x1b[2J", "not UTF-8: \xff\xfe", "",
	} {
		name := filepath.Join(t.TempDir(), "log")
		var j journal
		testkit.Check(t, j.open(name, "json", false))
		j.debug("nobody asked")
		j.write("error", msg)
		data := testkit.ReadFile(t, name)
		var line struct {
			Level, Msg string
			Time       time.Time
		}
		if err := json.Unmarshal([]byte(data), &line); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if line.Level != "error" || line.Time.IsZero() || line.Msg != msg && !strings.Contains(line.Msg, `\xff`) {
			t.Errorf("%q: read as %+v", data, line)
		}
	}
}

// TestLogOfText: in a text log a message is one line, whatever it contains.
func TestLogOfText(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	var j journal
	testkit.Check(t, errors.Join(j.open(name, "text", true), j.open(name, "", true)))
	j.write("error", "two\nlines")
	j.debug("\x1b[2J")
	file, err := os.Open(name)
	testkit.Check(t, err)
	defer file.Close()
	var got []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		_, rest, _ := strings.Cut(lines.Text(), " ")
		got = append(got, rest)
	}
	testkit.Equal(t, "the log", strings.Join(got, "|"), `level=error msg="two\nlines"|level=debug msg="\x1b[2J"`)
}
