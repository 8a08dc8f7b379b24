package main

// The truth test: what `minictr plan` prints is what `minictr run` does.
//
// strace(1) shows the system calls. Of the container's process each call between clone3
// and execve must be the plan's: no other, none missing, in this order, with these
// arguments. Of the host's process, which is ordinary Go and makes calls of its own,
// those that make processes, namespaces, mounts and cgroups must be the plan's. A step
// may be left out only where the plan says so: If, Unless, or a missing result.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
)

func TestTruth(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "strace")
	store := t.TempDir()
	t.Setenv("MINICTR_ROOT", store)
	said(t, "load", "-i", testkit.DemoImage(t))
	source := t.TempDir()
	// a host name is given, since the default is made of the container's ID
	for name, flags := range map[string]string{
		"default":  "--hostname box --rm",
		"kept":     "--hostname box",
		"input":    "--hostname box --rm -i",
		"terminal": "--hostname box --rm -it",
		// in front of the caller's terminal is a pipe
		"pipes":             "--hostname box --rm -i",
		"pipes of a user":   "--hostname box --rm -i --user 1000",
		"pipes of an outer": "--hostname box --rm -i --userns 0:100000:65536",
		"mounts": "--hostname box --rm --read-only -v " + source + ":/a/b -v " + source +
			":/c:ro --tmpfs /t:size=1m --mount type=bind,src=/dev/null,dst=/d/file",
		"identity": "--hostname box --rm --user 1000:1001 --ulimit nofile=100:200 --sysctl net.ipv4.ip_forward=1 " +
			"-w /made/here --cap-add SYS_NICE",
		"new privs":  "--hostname box --rm --security-opt no-new-privileges=false --cap-drop ALL",
		"host":       "--rm --network host --pid host --ipc host --uts host --security-opt seccomp=unconfined",
		"privileged": "--hostname box --rm --privileged",
		"userns":     "--hostname box --rm --userns 0:100000:65536",
		"not there":  "--hostname box --rm -e PATH=/nowhere:/etc/motd:/bin",
		// with stops, at which the reader looks and goes on
		"stops":              "--hostname box --rm --step",
		"stops of each call": "--hostname box --rm --step=call -e PATH=/nowhere:/etc/motd:/bin",
		"stops and userns":   "--hostname box --rm --step --userns 0:100000:65536",
		// on an outer host; without overlay the image is copied, before the plan
		"without nothing":    "--hostname box --rm --without none",
		"without namespaces": "--rm -e HOSTNAME=box --without mount,pid,net,uts,ipc,cgroupns",
		"without the rest":   "--hostname box --rm --step --without " + theRest,
		"without dumpable":   "--hostname box --rm -it --without private,dumpable",
		"without user":       "--hostname box --rm -i --userns 0:100000:65536 --without user,trampoline",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(flags, "--userns") || strings.Contains(flags, "--without") {
				testkit.NeedLinux(t, "6.15")
			}
			words := append(strings.Fields(flags), "demo", "true")
			pipes := strings.HasPrefix(name, "pipes")
			terminal := slices.Contains(words, "-it") || pipes
			lines := planLines(t, words, terminal)
			if shown := slices.ContainsFunc(lines, func(l planLine) bool { return l.Call == "pipe2" }); shown != pipes {
				t.Errorf("the plan shows pipes: %v", shown)
			}
			compareTruth(t, lines, traceRun(t, words, terminal))
		})
	}
}

// theRest are the parts without those that the other cases leave out.
const theRest = "pivot,proc,dev,masks,capabilities,seccomp,no-new-privs,cgroup,close-range,dumpable,trampoline"

// planLine is a step as `minictr plan --json` prints it.
type planLine struct {
	Number             int
	Side, Call         string
	Args               []string
	Result, If, Unless string
	Accept             []string
	Part, From, Why    string
}

func planLines(t *testing.T, words []string, terminal bool) (lines []planLine) {
	t.Helper()
	out := output(t, exec.Command("minictr", append([]string{"plan", "--json"}, words...)...), terminal)
	if err := json.Unmarshal(out, &lines); err != nil {
		t.Fatalf("plan --json: %v\n%s", err, out)
	}
	return lines
}

// output runs a command on pipes, which are passed on, or with a terminal of its own as input.
func output(t *testing.T, cmd *exec.Cmd, terminal bool) []byte {
	t.Helper()
	var out, said strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), &out, &said
	if strings.Contains(strings.Join(cmd.Args, " "), "--step") {
		cmd.Stdin = strings.NewReader("k\n\n\nk\nn\nn\nn\nK\nn\nn\ns\n\nk\n\nc\n")
	}
	if terminal {
		ours, theirs, err := pty.Open()
		testkit.Check(t, err)
		defer ours.Close()
		defer theirs.Close()
		pty.Setsize(ours, &pty.Winsize{Rows: 33, Cols: 99})
		cmd.Stdin = theirs
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out.String(), said.String())
	}
	return []byte(out.String())
}

// trace is the output of strace: the calls of each thread, by its ID.
type trace struct {
	threads map[int][]traced
	host    int // the thread that makes the host's steps
	id      string
}

// traceRun runs a container under strace.
func traceRun(t *testing.T, words []string, terminal bool) *trace {
	t.Helper()
	dir := t.TempDir()
	idFile := filepath.Join(dir, "id")
	args := []string{"-ff", "-v", "-xx", "-s", "1000000", "-o", dir + "/thread", "minictr", "run", "--cidfile", idFile}
	output(t, exec.Command("strace", append(args, words...)...), terminal)
	data := testkit.ReadFile(t, idFile)
	tr := &trace{threads: map[int][]traced{}, id: data}
	files, _ := filepath.Glob(dir + "/thread.*")
	for _, f := range files {
		thread, err := strconv.Atoi(strings.TrimPrefix(filepath.Ext(f), "."))
		testkit.Check(t, err)
		tr.threads[thread] = readTrace(t, f)
	}
	made := map[int]bool{} // processes that a call of the plan began
	for _, calls := range tr.threads {
		for _, c := range calls {
			made[c.value] = made[c.value] || c.name == "clone3" && begins(c)
		}
	}
	for thread, calls := range tr.threads {
		if !made[thread] && slices.ContainsFunc(calls, func(c traced) bool { return c.name == "clone3" && begins(c) }) {
			tr.host = thread
		}
	}
	if tr.host == 0 {
		t.Fatal("no clone3 seen")
	}
	return tr
}

// begins reports whether a call starts a process, not a thread.
func begins(c traced) bool { return !strings.Contains(c.line, "CLONE_THREAD") }

// compareTruth walks the plan as package walk does, with the results that strace saw.
func compareTruth(t *testing.T, lines []planLine, tr *trace) {
	t.Helper()
	cgroups, err := cgroup.Mount()
	testkit.Check(t, err)
	r, made, running := results{}, 0, false
	begun, child, by := map[int]bool{}, 0, "" // all processes; the latest, until its first step, and its maker
	latest := map[string]int{}                // of each side
	for _, step := range lines {
		planned := fmt.Sprintf("step %d, %s(%s)", step.Number, step.Call, strings.Join(step.Args, ", "))
		if running || r.leavesOut(step) {
			if step.Unless != step.Result || !r.has(step.Result) {
				r.note(step, absent)
			}
			continue
		}
		r.fillIn(step.Args, tr.id)
		if child != 0 && step.Side != "host" && step.Side != by {
			latest[step.Side], child = child, 0
		}
		thread := latest[strings.Replace(step.Side, "trampoline", "container", 1)]
		if step.Part == "streams" {
			thread = tr.streamsThread(r, step)
		} else if step.Side == "host" {
			thread = tr.host
			tr.threads[thread] = skipUnplanned(t, r, tr.threads[thread], step, cgroups)
		}
		if len(tr.threads[thread]) == 0 {
			if step.Side == "helper" {
				continue // the host kills it, however far it has come
			}
			t.Fatalf("%s: never made by the %s", planned, step.Side)
		}
		c := tr.threads[thread][0]
		tr.threads[thread] = tr.threads[thread][1:]
		if c.name != step.Call || !r.sameArgs(step.Args, c.args) {
			t.Fatalf("plan:   %s\nstrace: %s", planned, c.line)
		}
		switch {
		case c.errno == "":
			r.note(step, c.value)
		case slices.Contains(step.Accept, c.errno):
			r.note(step, absent)
		default:
			t.Fatalf("%s: %s, and the walk went on", planned, c.errno)
		}
		made++
		if step.Call == "clone3" {
			child, by = c.value, step.Side
			begun[child] = true
		}
		if step.Side == "helper" && step.Call == "execveat" {
			delete(tr.threads, thread) // from here on it is the program of an outer host's init
		}
		running = step.Call == "execve" && c.errno == ""
	}
	if !running {
		t.Error("the plan ends without an execve that was made")
	}
	delete(tr.threads, latest["container"]) // from here on it is the program
	for thread, calls := range tr.threads {
		for _, c := range calls {
			if begun[thread] || r.makes(c, cgroups) {
				t.Errorf("not in the plan: %s", c.line)
			}
		}
	}
	t.Logf("%d of %d steps made, each as planned", made, len(lines))
}

var nameInPath = regexp.MustCompile(`/@(\w+)/`)

// fillIn replaces values in texts that were unknown when planned.
func (r results) fillIn(args []string, id string) {
	for i, a := range args {
		a = strings.Replace(a, "/ID", "/"+id, 1)
		args[i] = nameInPath.ReplaceAllStringFunc(a, func(name string) string {
			return fmt.Sprintf("/%d/", r[name[2:len(name)-1]])
		})
	}
}

// leavesOut is the rule of walk.step.
func (r results) leavesOut(s planLine) bool {
	if s.If != "" && !r.has(s.If) || s.Unless != "" && r.has(s.Unless) {
		return true
	}
	return slices.ContainsFunc(s.Args, func(a string) bool {
		return strings.HasPrefix(a, "@") && !r.has(a[1:])
	})
}

func (r results) note(s planLine, value int) {
	if s.Result != "" {
		r[s.Result] = value
	}
}

// streamsThread returns a thread that makes a call for the streams, and puts that call before
// the thread's others. The threads that do so, and when, are up to Go. Of all pipes it is the one whose
// end becomes a standard stream.
func (tr *trace) streamsThread(r results, step planLine) int {
	for thread, calls := range tr.threads {
		for i, c := range calls {
			trial := maps.Clone(r)
			if c.name == step.Call && trial.sameArgs(step.Args, c.args) && (c.name != "pipe2" || tr.isStream(trial)) {
				tr.threads[thread] = slices.Concat(calls[i:i+1], calls[:i], calls[i+1:])
				return thread
			}
		}
	}
	return 0
}

// isStream reports whether a process has made one of these results a standard stream.
func (tr *trace) isStream(r results) bool {
	for _, calls := range tr.threads {
		for _, c := range calls {
			if c.name != "dup3" {
				continue
			}
			fd, _ := strconv.Atoi(c.args[1])
			if value, known := r[string(plan.Stdio[fd])]; known && strconv.Itoa(value) == c.args[0] {
				return true
			}
		}
	}
	return false
}

// skipUnplanned skips the host's other calls, up to the step's. None of them may be one
// that makes a container.
func skipUnplanned(t *testing.T, r results, calls []traced, step planLine, cgroups string) []traced {
	t.Helper()
	for i, c := range calls {
		if c.name == step.Call && r.sameArgs(step.Args, c.args) {
			return calls[i:]
		}
		if r.makes(c, cgroups) {
			t.Fatalf("plan:   step %d, %s(%s)\nstrace: %s", step.Number, step.Call, strings.Join(step.Args, ", "),
				c.line)
		}
	}
	return nil
}

// makes reports whether a call makes namespaces, processes, mounts or cgroups, not
// threads or files.
func (r results) makes(c traced, cgroups string) bool {
	switch c.name {
	case "unshare", "setns", "fork", "vfork", "execveat",
		"fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr",
		"mount", "umount", "umount2", "pivot_root", "chroot", "bpf", "mknod", "mknodat":
		return true
	case "clone", "clone3":
		return begins(c)
	case "mkdirat":
		return !r.same("AT_FDCWD", c.args[0]) || strings.HasPrefix(quoted(c.args[1]), cgroups)
	}
	return false
}
