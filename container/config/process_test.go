package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
)

func TestCommandLine(t *testing.T) {
	shell, none := "/bin/bash", ""
	image := testImage().Config
	for _, test := range []struct {
		name       string
		entrypoint *string
		command    string
		want       []string
	}{
		{"image alone", nil, "", []string{"/bin/sh", "-c", "echo $GREETING"}},
		{"command replaces Cmd", nil, "-x -y", []string{"/bin/sh", "-x", "-y"}},
		{"entrypoint drops Cmd", &shell, "", []string{"/bin/bash"}},
		{"entrypoint and command", &shell, "-l", []string{"/bin/bash", "-l"}},
		{"no entrypoint", &none, "/bin/ls /", []string{"/bin/ls", "/"}},
		{"nothing left", &none, "", nil},
	} {
		got := commandLine(test.entrypoint, strings.Fields(test.command), image.Entrypoint, image.Cmd)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestProcessErrors(t *testing.T) {
	none := ""
	for what, test := range map[string]struct {
		o    Options
		text string
	}{
		"no command":       {Options{Entrypoint: &none}, "no command specified"},
		"empty command":    {Options{Entrypoint: &none, Command: []string{""}}, "no command specified"},
		"NUL":              {Options{Command: []string{"a\x00b"}}, "NUL"},
		"relative workdir": {Options{Workdir: "src"}, `--workdir "src": not an absolute path`},
		"init, host pids":  {Options{Init: true, PID: "host"}, "--init and --pid host exclude each other"},
		"env without name": {Options{Env: []string{"=x"}}, `--env "=x": not NAME=value`},
		"env NUL":          {Options{Env: []string{"A=\x00"}}, "NUL"},
		"no env file": {Options{EnvFiles: []string{"/nonexistent/env"}},
			`--env-file: open "/nonexistent/env": no such file`},
	} {
		_, err := testConfig(t, test.o)
		testkit.WantError(t, what, err, test.text)
	}
	host := testHost()
	host.Init = ""
	_, _, err := Config(&Options{Init: true}, testImage(), testFiles(), host)
	testkit.WantError(t, "no init here", err, "--init: no init program on this machine")
}

func TestWorkingDir(t *testing.T) {
	for _, test := range []struct{ flag, image, want string }{
		{"", "", "/"},
		{"", "/srv/../app/", "/app"},
		{"", "../../etc", "/etc"},
		{"/a//b", "/app", "/a/b"},
	} {
		image := testImage()
		image.Config.WorkingDir = test.image
		spec, _, err := Config(&Options{Workdir: test.flag}, image, testFiles(), testHost())
		if err != nil || spec.Process.Cwd != test.want {
			t.Errorf("-w %q, WorkingDir %q: %v, %v; want %q", test.flag, test.image, spec, err, test.want)
		}
	}
}

func TestEnv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	text := "\ufeff# a comment\n\n  SPACED=yes\r\nGREETING=from the file\nQUOTED=\"1 2\" \nEDITOR\nNOTHERE\nLAST=1"
	testkit.Check(t, os.WriteFile(file, []byte(text), 0o644))
	for _, test := range []struct {
		name string
		o    Options
		want []string
	}{
		{"defaults", Options{}, []string{"PATH=/bin", "HOSTNAME=0123456789ab", "GREETING=hello", "HOME=/root"}},
		{"-t", Options{TTY: true}, []string{"PATH=/bin", "HOSTNAME=0123456789ab", "TERM=xterm", "GREETING=hello",
			"HOME=/root"}},
		{"later wins", Options{Env: []string{"A=1", "A=2", "TERM=vt100"}, TTY: true},
			[]string{"PATH=/bin", "HOSTNAME=0123456789ab", "TERM=vt100", "GREETING=hello", "A=2", "HOME=/root"}},
		{"the caller's", Options{Env: []string{"LANG", "NOTHERE"}},
			[]string{"PATH=/bin", "HOSTNAME=0123456789ab", "GREETING=hello", "LANG=C.UTF-8", "HOME=/root"}},
		{"taken away", Options{Env: []string{"GREETING", "HOME="}},
			[]string{"PATH=/bin", "HOSTNAME=0123456789ab", "HOME=/root"}},
		{"no entry, no home", Options{User: "7"}, []string{"PATH=/bin", "HOSTNAME=0123456789ab", "GREETING=hello",
			"HOME=/"}},
		{"file, then -e", Options{EnvFiles: []string{file}, Env: []string{"LAST=2"}},
			[]string{"PATH=/bin", "HOSTNAME=0123456789ab", "GREETING=from the file", "SPACED=yes",
				"QUOTED=\"1 2\" ", "EDITOR=vi", "LAST=2", "HOME=/root"}},
	} {
		got := mustConfig(t, test.o).Process.Env
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestEnvFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB C=2": `line 2: name "B C": contains a space`,
		"=1":         "line 1: not NAME=value",
		"A=\xff":     "line 1: not UTF-8",
		"A=\x00":     "line 1: contains a NUL byte",
	} {
		file := filepath.Join(t.TempDir(), "env")
		testkit.Check(t, os.WriteFile(file, []byte(text), 0o644))
		_, err := testConfig(t, Options{EnvFiles: []string{file}})
		testkit.WantError(t, text, err, want)
	}
}

// TestImageDataIsInert: what an image says is data. Its labels reach nothing,
// its variables are NAME=value, and it cannot pick what only the caller may.
func TestImageDataIsInert(t *testing.T) {
	plain := mustConfig(t, Options{})
	image := testImage()
	image.Config.Labels = map[string]string{"io.podman.annotations.privileged": "TRUE",
		"org.opencontainers.hooks": "/bin/sh"}
	image.Config.Env = append(image.Config.Env, "LD_PRELOAD=/evil.so", "HOSTNAME=evil")
	spec, _, err := Config(&Options{}, image, testFiles(), testHost())
	testkit.Check(t, err)
	if spec.Hooks != nil || spec.Annotations != nil || spec.Hostname != plain.Hostname {
		t.Errorf("hooks %v, annotations %v, hostname %q", spec.Hooks, spec.Annotations, spec.Hostname)
	}
	if env := spec.Process.Env; !slices.Contains(env, "LD_PRELOAD=/evil.so") {
		t.Errorf("environment %q has lost the container's own LD_PRELOAD", env)
	}
	for _, word := range []string{"=x", "A=\x00"} {
		image.Config.Env = []string{word}
		_, _, err := Config(&Options{}, image, testFiles(), testHost())
		testkit.WantError(t, word, err, "image variable")
	}
}

// TestImageConfigAsDocker: an entrypoint of one empty word is none, a variable without
// "=" is unset.
func TestImageConfigAsDocker(t *testing.T) {
	image := testImage()
	image.Config.Entrypoint, image.Config.Cmd = []string{""}, []string{"echo", "x"}
	image.Config.Env = []string{"PATH=/bin", "A=1", "A", "HOSTNAME", ""}
	for command, want := range map[string]string{"": "echo x", "date -u": "date -u"} {
		spec, _, err := Config(&Options{Command: strings.Fields(command)}, image, testFiles(), testHost())
		testkit.Check(t, err)
		testkit.Equal(t, "args", strings.Join(spec.Process.Args, " "), want)
		testkit.Equal(t, "env", strings.Join(spec.Process.Env, " "), "PATH=/bin HOME=/root")
	}
}

// TestNoCommandHint: the hint says what is missing.
func TestNoCommandHint(t *testing.T) {
	empty := ""
	for _, test := range []struct {
		o          Options
		entrypoint []string
		want       string
	}{
		{Options{}, nil, "write a command after IMAGE: the image has none"},
		{Options{}, []string{"", "x"}, "write the name of a program: --entrypoint PROGRAM, or a command after IMAGE"},
		{Options{Entrypoint: &empty}, []string{"x"}, "write a command after IMAGE: --entrypoint removes the image's"},
	} {
		image := testImage()
		image.Config.Entrypoint, image.Config.Cmd = test.entrypoint, nil
		_, _, err := Config(&test.o, image, testFiles(), testHost())
		testkit.WantError(t, test.want, err, "no command specified")
		testkit.Equal(t, "hint", hint.Of(err), test.want)
	}
}

// TestHomeIsOneField: a newline or a colon in HOME would be a second field or a
// second line in /etc/passwd.
func TestHomeIsOneField(t *testing.T) {
	for _, home := range []string{"/root\nevil:x:0:0::/:/bin/sh", "/root:/bin/sh"} {
		_, err := testConfig(t, Options{Env: []string{"HOME=" + home}})
		testkit.WantError(t, home, err, "contains a newline or a colon")
		image := testImage()
		image.Config.Env = []string{"HOME=" + home}
		_, _, err = Config(&Options{}, image, testFiles(), testHost())
		testkit.WantError(t, home, err, "contains a newline or a colon")
	}
}
