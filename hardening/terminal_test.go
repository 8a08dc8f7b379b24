package hardening

// Row 16: the caller's terminal. A container may print what it likes, but must not
// insert input, and minictr's own output must not steer the terminal.

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/creack/pty"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// inTerminal runs a command in a controlling terminal, as a shell does. It returns what
// the terminal showed, and how many bytes were in its input at the end.
func inTerminal(t *testing.T, cmd *exec.Cmd) (shown string, typed int) {
	t.Helper()
	ours, theirs, err := pty.Open()
	testkit.Check(t, err)
	defer ours.Close()
	defer theirs.Close()
	before := termios(t, theirs)
	before.Lflag &^= unix.ECHO | unix.ICANON // no line buffering and no echo, to count bytes
	testkit.Check(t, unix.IoctlSetTermios(int(theirs.Fd()), unix.TCSETS, &before))
	output := make(chan string)
	go func() {
		data, _ := io.ReadAll(ours)
		output <- string(data)
	}()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if r := run(cmd); r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	testkit.Equal(t, "the terminal", termios(t, theirs), before)
	typed, err = unix.IoctlGetInt(int(theirs.Fd()), unix.TIOCINQ)
	testkit.Check(t, err)
	theirs.Close()
	return <-output, typed
}

func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	testkit.Check(t, err)
	return *state
}

// TestTIOCSTIStaysInContainer: TIOCSTI in the container, with CAP_SYS_ADMIN, reaches
// only the container's own terminal.
func TestTIOCSTIStaysInContainer(t *testing.T) {
	guard(t)
	if _, typed := inTerminal(t, command("probe", "push")); typed == 0 {
		t.Fatal("this kernel takes no pushed input at all: the test would prove nothing")
	}
	for what, flags := range map[string][]string{
		"none": nil, "-i": {"-i"}, "-t": {"-t"}, "-it": {"-it"},
		"--pid host": {"--pid", "host"}, "--ipc host --network host": {"--ipc", "host", "--network", "host"},
	} {
		shown, typed := inTerminal(t,
			command("minictr", boxArgs(append(flags, "--cap-add", "SYS_ADMIN", "--", "/probe", "push")...)...))
		if typed != 0 {
			t.Errorf("%s: %d bytes were typed into the caller's terminal:\n%s", what, typed, shown)
		}
		if !strings.Contains(shown, "2: ") {
			t.Errorf("%s: the probe did not come to its end: %s", what, shown)
		}
	}
}

// TestContainerLeadsItsSession: the container's process leads a new session, with a
// controlling terminal only with -t.
func TestContainerLeadsItsSession(t *testing.T) {
	guard(t)
	for flag, want := range map[string]string{"": "ENXIO", "-i": "ENXIO", "-t": "ok", "-it": "ok"} {
		shown, _ := inTerminal(t,
			command("minictr", boxArgs(append(strings.Fields(flag), "--", "/probe", "session")...)...))
		r := result{stdout: strings.ReplaceAll(shown, "\r", "")}
		if r.line("leader") != "true" || r.line("tty") != want {
			t.Errorf("%q: want a leader, and %s for /dev/tty: %s", flag, want, shown)
		}
	}
}

// controls are bytes that steer a terminal: escape, eight-bit CSI, bell, backspace,
// carriage return, delete.
const controls = "\x1b[31m\x1b]0;title\x07\u009b2J\x08\r\x7f"

// steers reports whether a text has control bytes other than newline and tab.
func steers(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) })
}

// TestControlBytesOfArgumentsEscaped: errors repeat arguments escaped.
func TestControlBytesOfArgumentsEscaped(t *testing.T) {
	guard(t)
	evil := "evil" + controls
	for _, words := range [][]string{
		{"run", evil}, {"run", "box", evil}, {"run", "box", "/" + evil},
		{"run", "--" + evil, "box"}, {"run", "-" + controls, "box"}, {evil}, {"--" + evil}, {"--root", evil, "images"},
		{"run", "--name", evil, "box", "true"}, {"run", "--hostname", evil, "box", "true"},
		{"run", "-u", evil, "box", "true"}, {"run", "-w", evil, "box", "true"}, {"run", "-w", "/proc/self/" + evil,
			"box", "true"},
		{"run", "-v", evil, "box", "true"}, {"run", "-v", "/" + evil + ":/x", "box", "true"}, {"run", "--mount", evil,
			"box", "true"},
		{"run", "--tmpfs", "/x:" + evil, "box", "true"}, {"run", "--cap-add", evil, "box", "true"},
		{"run", "--network", evil, "box", "true"}, {"run", "--memory", evil, "box", "true"}, {"run", "--cpus", evil,
			"box", "true"},
		{"run", "--sysctl", evil, "box", "true"}, {"run", "--ulimit", evil, "box", "true"}, {"run", "-e", "=" + evil,
			"box", "true"},
		{"run", "--env-file", evil, "box", "true"}, {"run", "--security-opt", "seccomp=" + evil, "box", "true"},
		{"run", "--pids-limit", evil, "box", "true"}, {"run", "--stop-signal", evil, "box", "true"},
		{"run", "--explain", "-e", "A=" + evil, "-w", "/" + evil, "box", "echo", evil},
		{"plan", "-e", "A=" + evil, "-w", "/" + evil, "box", evil}, {"plan", "--config", evil}, {"plan", "--json",
			"box", evil},
		{"rmi", evil}, {"rm", evil}, {"load", "-i", evil}, {"images", "--" + evil}, {"version", "--" + evil},
	} {
		if words[0] == "run" {
			words = append([]string{"run", "--rm"}, words[1:]...)
		}
		r := run(command("minictr", words...))
		shown := r.stderr
		if words[0] != "run" || r.code == exitFailure {
			shown += r.stdout
		}
		if steers(shown) {
			t.Errorf("minictr %q prints control bytes:\n%q", words, shown)
		}
	}
	b := newBundle(t, "/"+evil)
	for _, cmd := range []*exec.Cmd{b.command(t), command("minictr-oci", "run", "-b", evil, "x"),
		command("minictr-oci", "--"+evil), command("minictr-oci", evil), command("minictr-oci", "run", "--"+evil)} {
		if r := run(cmd); steers(r.stdout + r.stderr) {
			t.Errorf("%q prints control bytes:\n%q", cmd.Args, r.stdout+r.stderr)
		}
	}
}

// TestControlBytesOfImagesEscaped: so are texts of an image, and names in an archive.
func TestControlBytesOfImagesEscaped(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{
		User: "evil" + controls, WorkingDir: "/" + controls, Entrypoint: []string{"/" + controls},
		Env: []string{"A=" + controls}, Labels: map[string]string{controls: controls}, StopSignal: controls,
	}, file("etc/"+controls, 0o644, ""))
	for _, words := range [][]string{
		{"images"}, {"run", "--rm", image}, {"run", "--rm", "-u", "0", image}, {"run", "--rm", "-u", "0", "-w", "/",
			image},
		{"plan", "-u", "0", image}, {"plan", "--json", "-u", "0", image}, {"run", "--explain", "--rm", "-u", "0",
			image},
	} {
		if r := run(command("minictr", words...)); steers(r.stdout + r.stderr) {
			t.Errorf("minictr %q prints control bytes:\n%q", words, r.stdout+r.stderr)
		}
	}
	for what, layer := range map[string]entry{
		"name":   {Header: tar.Header{Typeflag: tar.TypeReg, Name: "../" + controls}},
		"parent": {Header: tar.Header{Typeflag: tar.TypeReg, Name: "data/file/" + controls + "/x"}},
		"link":   {Header: tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: controls}},
		"type":   {Header: tar.Header{Typeflag: 'Z', Name: controls}},
	} {
		data, err := archive("evil:latest", ocispec.ImageConfig{}, []entry{layer})
		testkit.Check(t, err)
		if r := load(data); steers(r.stdout + r.stderr) {
			t.Errorf("an entry with a bad %s: load prints control bytes:\n%q", what, r.stderr)
		}
		run(command("minictr", "rmi", "-f", "evil"))
	}
	data, err := archive("evil"+controls+":latest", ocispec.ImageConfig{})
	testkit.Check(t, err)
	if r := load(data); r.code == 0 || steers(r.stdout+r.stderr) {
		t.Errorf("an image with such a name: exit code %d: %q", r.code, r.stdout+r.stderr)
	}
}

// TestControlBytesOfContainersEscaped: texts of images and callers are escaped in lists,
// tables and JSON.
func TestControlBytesOfContainersEscaped(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{
		Entrypoint: []string{"/bin/sh", controls}, Labels: map[string]string{"label" + controls: controls},
	})
	run(command("minictr", "create", "--name", "evil", "--label", "own="+controls, "-e", "A="+controls, image,
		controls)).want(t, 0)
	t.Cleanup(func() { run(command("minictr", "rm", "-f", "evil")).want(t, 0) })
	for _, words := range [][]string{
		{"ps", "-a"}, {"ps", "-a", "--no-trunc"}, {"ps", "-a", "--format", "json"}, {"container", "ls", "-a"},
		{"ps", "-a", "--format", `{{.Command}} {{.Labels}} {{.Label "own"}}`},
		{"ps", "-a", "--format", `table {{.Command}}\t{{.Labels}}\t{{.Label "own"}}`},
		{"ps", "-a", "--filter", "label=" + controls}, {"ps", "--filter", "x=" + controls}, {"ps", "--filter",
			"name=(" + controls},
		{"inspect", "evil"}, {"inspect", image}, {"inspect", controls}, {"inspect", "--type", controls, "evil"},
		{"inspect", "--format", `{{json .Config.Labels}}`, "evil"},
		{"port", "evil", controls}, {"container", controls}, {"container", "prune", "-f", "--filter",
			"label=" + controls},
		{"gc", "--" + controls}, {"images", "--format", "{{." + controls}, {"rename", "evil", controls},
	} {
		if r := run(command("minictr", words...)); steers(r.stdout + r.stderr) {
			t.Errorf("minictr %q prints control bytes:\n%q", words, r.stdout+r.stderr)
		}
	}
	shown, _ := inTerminal(t, command("minictr", "inspect", "--format", "{{.Config.Labels}} {{.Path}} {{.Args}}",
		"evil"))
	if steers(strings.ReplaceAll(shown, "\r\n", "\n")) || !strings.Contains(shown, "own") {
		t.Errorf("a template in a terminal: %q", shown)
	}
}
