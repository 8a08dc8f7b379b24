package hardening

// Rows 16 and 25 for detached containers: what is printed of them does not steer a
// terminal, TIOCSTI does not reach the host's, and neither names nor files lead out.

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// colour is an escape sequence that logs passes on to a terminal (console_codes(4),
// SGR).
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestControlBytesOfDetachedContainersEscaped: labels, variables, commands, health
// output, names of processes and of files, and the log have control bytes in them. None
// is printed by a command for people, nor to a terminal by any command.
func TestControlBytesOfDetachedContainersEscaped(t *testing.T) {
	guard(t)
	evil := "evil" + controls
	flags := append(often("printf '"+controls+"'; exit 1"), "-l", evil+"="+evil, "-e", "A="+evil, "--health-retries",
		"1")
	d := detach(t, append(flags, "--", "sh", "-c", "echo '"+evil+"'; echo '"+evil+"' >&2; echo "+
		">'/"+strings.ReplaceAll(evil, "/", "")+"'; sleep 1000; true", evil)...)
	d.said(t, "evil")
	d.checked(t)
	title := []string{"exec", "-d", "--", "sh", "-c", "sleep 1000; true", evil}
	d.say(title...).want(t, 0)
	gone := &detached{"unstarted"}
	defer gone.say("rm", "-f")
	run(gone.command("--", "/"+evil))
	for _, words := range [][]string{
		{"ps", "-a"}, {"ps", "-a", "--no-trunc"}, {"ps", "-a", "--format", "json"}, {"ps", "-a", "--format",
			"{{.Labels}} {{.Command}} {{.Status}} {{.Why}} {{.Mounts}} {{.Image}}"},
		{"ps", "-a", "--format", "table {{.Label \"" + evil + "\"}} {{.Labels}}"}, {"ps", "--filter",
			"label=" + evil}, {"ps", "--filter", "name=" + evil}, {"ps", "--filter", evil},
		{"stats", "--no-stream"}, {"stats", "--no-stream", "--format", "json"}, {"inspect", d.name}, {"inspect",
			gone.name}, {"inspect", "-s", d.name},
		{"top", d.name}, {"top", d.name, "-o", "pid,args"}, {"top", d.name, evil}, {"diff", d.name}, {"port",
			d.name}, {"gc"},
		{"start", gone.name}, {"run", "-d", "--name", evil, "box", "true"}, {"ps", "--format", "{{." + evil},
		{"exec", d.name, "/" + evil}, {"exec", "-w", "/" + evil + "/x", d.name, "true"}, {"exec", "-u", evil, d.name,
			"true"}, {"exec", "-e", "=" + evil, d.name, "true"},
		{"update", "--memory", evil, d.name}, {"kill", "-s", evil, d.name}, {"logs", "--since", evil, d.name}, {"logs",
			"--tail", evil, d.name}, {"stop", "-t", evil, d.name},
		{"rename", d.name, evil}, {"attach", "--detach-keys", evil, d.name}, {"create", "--label", "=" + evil,
			"box"}, {"create", "--restart", evil, "box"},
		{"create", "--health-interval", evil, "box"}, {"create", "--log-opt", evil, "box"}, {"cp", d.name + ":/" +
			evil + "/x", "-"}, {"cp", evil + ":/x", "-"},
	} {
		if r := run(command("minictr", words...)); steers(r.stdout + r.stderr) {
			t.Errorf("minictr %q prints control bytes:\n%q", words, r.stdout+r.stderr)
		}
	}
	for _, verb := range verbs {
		if r := run(command("minictr", append(slices.Clone(verb), evil)...)); steers(r.stdout + r.stderr) {
			t.Errorf("minictr %q prints control bytes:\n%q", verb, r.stdout+r.stderr)
		}
	}
	for _, cmd := range []*exec.Cmd{
		d.saying("logs"), d.saying("logs", "-t"), d.saying("logs", "--tail", "1"), d.saying("diff"),
		d.saying("inspect", "--format", "{{json .}}"), d.saying("inspect", "--format",
			"{{.Config.Labels}} {{.Config.Env}} {{.Args}}"),
		d.saying("inspect", "--format", "{{range .State.Health.Log}}{{.Output}}{{end}}"), gone.saying("inspect",
			"--format", "{{.State.Error}} {{.State.Why}}"),
	} {
		shown, _ := inTerminal(t, cmd)
		if text := colour.ReplaceAllString(strings.ReplaceAll(shown, "\r\n", "\n"),
			""); steers(strings.ReplaceAll(text, "\r", "")) || strings.Trim(text, "\n") == "" {
			t.Errorf("%q shows on a terminal:\n%q", cmd.Args[3:], shown)
		}
	}
	if r := d.say("logs"); strings.Count(r.stdout, controls) != 1 {
		t.Errorf("a program reads what was written: %q", r.stdout)
	}
	if rows := strings.Count(run(command("minictr", "ps", "-a", "--filter", "label")).stdout, "\n"); rows > 3 {
		t.Errorf("%d rows for two containers", rows)
	}
}

// TestNewlineAddsNoTableRow: a newline or a tab in a label or command adds no row or
// column.
func TestNewlineAddsNoTableRow(t *testing.T) {
	guard(t)
	const fake = "x\nabcdef123456   box   \"true\"   1 second ago   Up 1 second   fake\n\t"
	detach(t, "-l", "a="+fake, "-l", fake, "--", "sh", "-c", "sleep 1000; true", fake)
	for _, words := range [][]string{{"ps"}, {"ps", "--no-trunc"},
		{"ps", "--format", "table {{.ID}}\t{{.Labels}}\t{{.Command}}"}, {"ps", "--format", "{{.Label \"a\"}}"}, {"ps",
			"--format", "json"}} {
		lines := strings.Split(strings.TrimSuffix(run(command("minictr", words...)).stdout, "\n"), "\n")
		if want := map[bool]int{true: 2, false: 1}[len(words) < 3 ||
			strings.HasPrefix(words[2], "table")]; len(lines) != want {
			t.Errorf("%q has %d lines, want %d:\n%s", words, len(lines), want, strings.Join(lines, "\n"))
		}
	}
}

// TestTIOCSTIOfExecStaysInContainer: TIOCSTI by an exec process, or by one with an
// attached terminal, reaches only the container's own terminal.
func TestTIOCSTIOfExecStaysInContainer(t *testing.T) {
	guard(t)
	if _, typed := inTerminal(t, command("probe", "push")); typed == 0 {
		t.Fatal("this kernel takes no pushed input at all: the test would prove nothing")
	}
	pushes := func(what string, cmd *exec.Cmd) {
		t.Helper()
		shown, typed := inTerminal(t, cmd)
		if typed != 0 {
			t.Errorf("%s: %d bytes were typed into the caller's terminal:\n%s", what, typed, shown)
		}
		if !strings.Contains(shown, "2: ") {
			t.Errorf("%s: the probe did not come to its end: %s", what, shown)
		}
	}
	for _, flags := range [][]string{nil, {"--pid", "host"}} {
		flags = append(flags, "--cap-add", "SYS_ADMIN")
		d := detach(t, append(flags, "--", "sleep", "1000")...)
		for _, kind := range []string{"", "-i", "-t", "-it"} {
			words := append(append([]string{"exec"}, strings.Fields(kind)...), "--", "/probe", "push")
			pushes("exec "+kind, d.saying(words...))
		}
		for _, kind := range []string{"", "-i", "-t", "-it"} {
			made := &detached{"pusher" + kind}
			words := made.command(append(append(flags, strings.Fields(kind)...), "--", "sh", "-c",
				"sleep 0.3; /probe push")...)
			words.Args = slices.DeleteFunc(words.Args, func(w string) bool { return w == "-d" })
			words.Args[3] = "create"
			run(words).want(t, 0)
			start := []string{"start", "-a"}
			if strings.Contains(kind, "i") {
				start = append(start, "-i")
			}
			pushes("start -a of "+kind, made.saying(start...))
			made.say("rm", "-f").want(t, 0)
		}
	}
}

// verbs are the commands whose last argument is a container.
var verbs = [][]string{
	{"start"}, {"start", "-a"}, {"stop", "-t", "0"}, {"restart", "-t", "0"}, {"kill"}, {"pause"}, {"unpause"}, {"wait"},
	{"rm"}, {"rm", "-f"}, {"attach", "--no-stdin"},
	{"logs"}, {"inspect", "--type", "container"}, {"top"}, {"stats", "--no-stream"}, {"port"}, {"diff"}, {"update",
		"--memory", "100m"}, {"rename", "other"}, {"monitor", "--ended"}, {"monitor", "--restart"}, {"health"},
}

// TestInvalidContainerNamesRefused: an invalid name is refused by every command, and so
// is a link of that name out of the directory of containers.
func TestInvalidContainerNamesRefused(t *testing.T) {
	guard(t)
	d := detach(t, "--", "sleep", "1000")
	planted := filepath.Join(store, "names", "planted")
	fake := filepath.Join(canary, "directory")
	real := d.dir(t)
	defer os.Remove(planted)
	outside := t.TempDir() // a container's directory, outside the store
	for _, name := range []string{"settings.json", "config.json", "image", "exit.json", "log"} {
		data, err := os.ReadFile(filepath.Join(real, name))
		if err != nil {
			data = []byte("{}")
		}
		os.WriteFile(filepath.Join(outside, name), data, 0o600)
	}
	before := listing(t, outside)
	names := []string{"", ".", "..", "/", "../" + filepath.Base(real), "../../../canary", "../names/" + d.name, "a/b",
		canary, "-", "*", "a\nb", "a b", "a:b", "\xff", strings.Repeat("a", 5000), "planted"}
	for _, target := range []string{fake, outside, "../../" + filepath.Base(canary)} {
		if rel, err := filepath.Rel(filepath.Join(store, "containers"), target); err == nil {
			target = rel
		}
		os.Remove(planted)
		testkit.Check(t, os.Symlink(target, planted))
		for _, verb := range append(verbs, []string{"exec"}, []string{"cp"}) {
			for _, name := range names {
				words := append(slices.Clone(verb), name)
				switch verb[0] {
				case "exec":
					words = append(words, "true")
				case "cp":
					words = []string{"cp", name + ":/etc/passwd", "-"}
				case "monitor", "health":
					words = []string{verb[0], name}
					if len(verb) > 1 {
						words = []string{verb[0], verb[1], name}
					}
				}
				r := run(command("minictr", words...))
				if name == "-" && verb[0] == "cp" {
					continue
				}
				if r.code == 0 || len(r.stderr) > 20_000 {
					t.Errorf("%q: exit code %d: %.300s", words, r.code, r.stderr)
				}
				r.untouched(t)
			}
			names = []string{"planted"} // the others do not depend on the link
		}
		if after := listing(t, outside); after != before {
			t.Errorf("a link in names/ leads out:\n%s", after)
		}
	}
	if r := d.say("exec", "--", "echo", "well"); r.stdout != "well\n" {
		t.Errorf("the container itself: %+v", r)
	}
}

// listing is the content of a directory.
func listing(t *testing.T, dir string) (text string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	testkit.Check(t, err)
	for _, e := range all {
		data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		text += e.Name() + " " + strconv.Itoa(len(data)) + "\n"
	}
	return text
}

// TestContainerLinksNotFollowedOnHost: the container puts links to the host where its
// log, its config or its /etc would be. No command follows them to write, count or
// remove.
func TestContainerLinksNotFollowedOnHost(t *testing.T) {
	guard(t)
	links := "for n in log log.1 config.json settings.json exit.json health.json image task stopped waiters data " +
		"etc/hosts etc/group; do " +
		"rm -rf /$n; busybox ln -s " + canary + "/file /$n; done; busybox ln -s " + canary +
		" /all; busybox ln -s ../../../../.. /up; echo ready; sleep 1000"
	d := detach(t, append(often("echo well"), "--", "sh", "-c", links)...)
	d.said(t, "ready")
	d.checked(t)
	for _, words := range [][]string{
		{"ps", "-s"}, {"inspect", "-s", d.name}, {"diff", d.name}, {"logs", d.name}, {"exec", "-u", "ada:video", d.name,
			"true"}, {"restart", "-t", "0", d.name}, {"stop", "-t", "0", d.name},
		{"diff", d.name}, {"ps", "-a", "-s"}, {"gc"}, {"fsck"},
	} {
		r := run(command("minictr", words...))
		r.untouched(t)
		if strings.Contains(r.stdout, "/all/") || strings.Contains(r.stdout, "/up/") {
			t.Errorf("%q follows a link: %s", words, r.stdout)
		}
	}
}
