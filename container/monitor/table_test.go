package monitor

// The monitor of these tests is the test binary, executed again, which becomes the table
// over two pipes of the test. A process that sleeps stands for the container, busybox for
// minictr.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

const busybox = "/bin/busybox"

// instructions tell a process of this test binary which monitor to become.
type instructions struct {
	idleMonitor
	Milliseconds int    // to sleep instead of waiting for an exit
	FileSize     uint64 // RLIMIT_FSIZE, 0 for none
}

const variable = "MINICTR_TEST_MONITOR"

func init() {
	if os.Getenv(variable) != "" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	if text := os.Getenv(variable); text != "" {
		fmt.Fprintln(os.Stderr, become(text))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// become executes the table; its descriptors are inherited from 3 on.
func become(text string) error {
	var o instructions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	for i, number := range []int{OutputFD, errorFD, dirFD, logFD, minictrFD, processFD} {
		if err := keepFile(os.NewFile(uintptr(3+i), "inherited"), number); err != nil {
			return err
		}
	}
	if err := unix.CloseRange(3, timerFD-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	signal.Ignore(unix.SIGXFSZ)
	if o.FileSize > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: o.FileSize, Max: o.FileSize}); err != nil {
			return err
		}
	}
	if o.Milliseconds > 0 {
		return sleepThen(time.Duration(o.Milliseconds)*time.Millisecond, o.Ended, o.Env)
	}
	return o.become()
}

// tested is a monitor under test, with the write ends of its streams.
type tested struct {
	*testing.T
	dir            string
	cmd            *exec.Cmd
	stdout, stderr *os.File
	container      *exec.Cmd
}

// start starts a monitor for the container directory dir.
func start(t *testing.T, dir string, o instructions) *tested {
	t.Helper()
	if _, err := os.Stat("/var/lib/dpkg/info/busybox-static.list"); err != nil {
		t.Skip("Debian's busybox-static is not installed")
	}
	o.Log, o.Older = logs.Current, logs.Older
	if o.Maximum == 0 {
		o.Maximum = logs.Maximum
	}
	if o.Ended == nil {
		o.Ended = []string{"true"}
	}
	w := &tested{T: t, dir: dir, container: exec.Command(busybox, "sleep", "1000")}
	testkit.Check(w, w.container.Start())
	pidfd, err := unix.PidfdOpen(w.container.Process.Pid, 0)
	testkit.Check(w, err)
	outRead, outWrite, err := os.Pipe()
	testkit.Check(w, err)
	errRead, errWrite, err := os.Pipe()
	testkit.Check(w, err)
	dirFile, err := os.Open(dir)
	testkit.Check(w, err)
	log, err := os.OpenFile(filepath.Join(dir, logs.Current), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	testkit.Check(w, err)
	minictr, err := os.Open(busybox)
	testkit.Check(w, err)
	text, err := json.Marshal(&o)
	testkit.Check(w, err)
	w.cmd = exec.Command("/proc/self/exe")
	w.cmd.Env = []string{variable + "=" + string(text)}
	w.cmd.Stdout, w.cmd.Stderr = os.Stdout, os.Stderr
	w.cmd.ExtraFiles = []*os.File{outRead, errRead, dirFile, log, minictr, os.NewFile(uintptr(pidfd), "pidfd")}
	testkit.Check(w, w.cmd.Start())
	for _, f := range w.cmd.ExtraFiles {
		f.Close()
	}
	w.stdout, w.stderr = outWrite, errWrite
	t.Cleanup(func() {
		w.container.Process.Kill()
		w.container.Wait()
		w.cmd.Process.Kill()
		w.cmd.Wait()
		w.stdout.Close()
		w.stderr.Close()
	})
	if o.Milliseconds > 0 {
		return w
	}
	testkit.Eventually(w, "the monitor executes the table", func() bool {
		comm, err := os.ReadFile(w.proc("comm"))
		return err == nil && string(comm) == "minictr-monitor\n"
	})
	return w
}

func (w *tested) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", w.cmd.Process.Pid, name)
}

func (w *tested) path(name string) string { return filepath.Join(w.dir, name) }

// write writes to a stream. The monitor must not let it block for long.
func (w *tested) write(to *os.File, data string) {
	w.Helper()
	testkit.Check(w, to.SetWriteDeadline(time.Now().Add(testkit.Timeout)))
	_, err := io.WriteString(to, data)
	testkit.Check(w, err)
}

// idle waits until the monitor has handled all input: the pipes are empty, and it sleeps
// in ppoll(2).
func (w *tested) idle() {
	w.Helper()
	testkit.Eventually(w, "the monitor is idle", func() bool {
		if waiting(w.stdout) != 0 || waiting(w.stderr) != 0 {
			return false
		}
		stat, err := os.ReadFile(w.proc("stat"))
		return err == nil && bytes.Contains(stat, []byte(") S "))
	})
}

// log reads the log.
func (w *tested) log() (stdout, stderr string) {
	w.Helper()
	var out, errs bytes.Buffer
	testkit.Check(w, logs.Copy(context.Background(), w.dir, logs.Options{Tail: -1}, nil, &out, &errs))
	return out.String(), errs.String()
}

func (w *tested) untilLogged(text string) {
	w.Helper()
	testkit.Eventually(w, fmt.Sprintf("%q in the log", text), func() bool {
		out, errs := w.log()
		return strings.Contains(out, text) || strings.Contains(errs, text)
	})
}

// end kills the container, and waits until the monitor has executed its command.
func (w *tested) end() {
	w.Helper()
	w.container.Process.Kill()
	w.container.Wait()
	if err := w.cmd.Wait(); err != nil {
		w.Errorf("command after the exit: %v", err)
	}
}

// busy returns the CPU time of the monitor (proc(5), schedstat).
func (w *tested) busy() time.Duration {
	var ns time.Duration
	fmt.Sscan(testkit.ReadFile(w, w.proc("schedstat")), &ns)
	return ns
}

func TestOutput(t *testing.T) {
	w := start(t, t.TempDir(), instructions{})
	began := time.Now()
	for i, s := range []*os.File{w.stdout, w.stderr, w.stderr, w.stdout} {
		text := fmt.Sprintf("piece %d\n", i)
		w.write(s, text)
		w.untilLogged(text)
	}
	ended := time.Now()
	var all bytes.Buffer
	testkit.Check(w, logs.Copy(context.Background(), w.dir, logs.Options{Tail: -1, Timestamps: true}, nil, &all, &all))
	last := began
	for i, line := range strings.Split(strings.TrimSpace(all.String()), "\n") {
		stamp, text, _ := strings.Cut(line, " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if want := fmt.Sprintf("piece %d", i); err != nil || text != want {
			t.Errorf("%q, want %q; %v", line, want, err)
		}
		if at.Before(last) || at.After(ended) {
			t.Errorf("%v: not between %v and %v", at, last, ended)
		}
		last = at
	}
	if out, errs := w.log(); out != "piece 0\npiece 3\n" || errs != "piece 1\npiece 2\n" {
		t.Errorf("standard output %q, standard error %q", out, errs)
	}
}

// Of two full pipes the same amount is read, so that a flood on one stream does not delay
// the other.
func TestStreamsAreReadInTurn(t *testing.T) {
	const flood, words = 1 << 20, 512 << 10
	for _, name := range []string{"standard output", "standard error"} {
		t.Run(name, func(t *testing.T) {
			w := start(t, t.TempDir(), instructions{})
			flooded, other := w.stdout, w.stderr
			if name == "standard error" {
				flooded, other = other, flooded
			}
			testkit.Check(w, w.cmd.Process.Signal(unix.SIGSTOP))
			testkit.Eventually(w, "the monitor is stopped", func() bool {
				stat, err := os.ReadFile(w.proc("stat"))
				return err == nil && bytes.Contains(stat, []byte(") T "))
			})
			for stream, data := range map[*os.File]string{
				flooded: strings.Repeat("x", flood),
				other:   strings.Repeat("y", words),
			} {
				_, err := unix.FcntlInt(stream.Fd(), unix.F_SETPIPE_SZ, flood)
				testkit.Check(w, err)
				w.write(stream, data)
			}
			testkit.Check(w, w.cmd.Process.Signal(unix.SIGCONT))
			testkit.Eventually(w, "everything is in the log", func() bool {
				out, errs := w.log()
				return len(out)+len(errs) == flood+words
			})
			var all bytes.Buffer
			testkit.Check(w, logs.Copy(context.Background(), w.dir, logs.Options{Tail: -1}, nil, &all, &all))
			last := bytes.LastIndexByte(all.Bytes(), 'y')
			if before := bytes.Count(all.Bytes()[:last], []byte("x")); before > words+bufferSize {
				t.Errorf("%d bytes of the flood were taken before the last of %d of the other stream", before, words)
			}
		})
	}
}

// A closed stream is not polled any more.
func TestClosedStreamsUseNoCPU(t *testing.T) {
	w := start(t, t.TempDir(), instructions{})
	w.write(w.stdout, "last line")
	w.stdout.Close()
	w.stderr.Close()
	w.untilLogged("last line")
	before := w.busy()
	time.Sleep(500 * time.Millisecond)
	if busy := w.busy() - before; busy > 20*time.Millisecond {
		t.Errorf("%v on a CPU in half a second", busy)
	}
	w.end()
}

// A reader that follows the log reads everything once, however often it is renamed.
func TestRotation(t *testing.T) {
	const maximum = 64 << 10
	w := start(t, t.TempDir(), instructions{idleMonitor: idleMonitor{Maximum: maximum}})
	ended := make(chan struct{})
	r, to := io.Pipe()
	copied := make(chan error)
	go func() {
		err := logs.Copy(context.Background(), w.dir, logs.Options{Follow: true, Tail: -1}, ended, to, nil)
		to.CloseWithError(err)
		copied <- err
	}()
	for i := range 50 {
		piece := strings.Repeat(fmt.Sprintf("line %06d\n", i), 1000)
		w.write(w.stdout, piece)
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != piece {
			t.Fatalf("piece %d: %v, %.30q", i, err, got)
		}
	}
	close(ended)
	if more, err := io.ReadAll(r); err != nil || len(more) > 0 {
		t.Errorf("more than was written: %v, %.30q", err, more)
	}
	testkit.Check(w, <-copied)
	for _, name := range []string{logs.Current, logs.Older} {
		st, err := os.Stat(w.path(name))
		testkit.Check(w, err)
		if st.Size() > maximum+bufferSize+headerSize {
			t.Errorf("%s: %d bytes", name, st.Size())
		}
	}
}

// smallDisk returns the path of a detached tmpfs, which is removed with the test.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.EPERM) {
		t.Skip("needs root: use make test")
	}
	if err == nil {
		err = unix.FsconfigSetString(fs, "size", size)
	}
	if err == nil {
		err = unix.FsconfigCreate(fs)
	}
	mount := -1
	if err == nil {
		mount, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	}
	if err != nil {
		t.Fatalf("tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Close(mount); unix.Close(fs) })
	return fmt.Sprintf("/proc/self/fd/%d", mount)
}

// On a full disk whole frames are dropped, the container does not block, and the log goes
// on when there is room.
func TestFullDiskDropsWholeFrames(t *testing.T) {
	dir := smallDisk(t, "256k")
	filler := filepath.Join(dir, "filler")
	testkit.Check(t, os.WriteFile(filler, make([]byte, 256<<10), 0o600))
	w := start(t, dir, instructions{})
	w.write(w.stdout, "no room")
	w.idle()
	testkit.Check(w, os.Truncate(filler, 128<<10))
	for range 40 {
		w.write(w.stdout, strings.Repeat("o", 10000))
		w.write(w.stderr, strings.Repeat("e", 10000))
	}
	testkit.Eventually(w, "the disk is full", func() bool {
		var st unix.Statfs_t
		testkit.Check(w, unix.Statfs(dir, &st))
		return st.Bfree < 8
	})
	w.idle()
	if out, errs := w.log(); len(out) == 0 || strings.Trim(out, "o")+strings.Trim(errs, "e") != "" {
		t.Errorf("%d and %d bytes", len(out), len(errs))
	}
	testkit.Check(w, os.Remove(filler))
	w.write(w.stdout, "room again")
	w.untilLogged("room again")
	w.end()
}

// waiting returns the number of bytes in a pipe, -1 on error.
func waiting(f *os.File) int {
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCINQ)
	if err != nil {
		return -1
	}
	return n
}

// A log that was removed is not made again before its maximum is reached.
func TestRemovedLog(t *testing.T) {
	w := start(t, t.TempDir(), instructions{idleMonitor: idleMonitor{Maximum: 100}})
	w.write(w.stdout, "before")
	w.untilLogged("before")
	testkit.Check(w, os.Remove(w.path(logs.Current)))
	w.write(w.stdout, strings.Repeat("x", 200))
	w.idle()
	w.write(w.stdout, "after")
	w.untilLogged("after")
	w.end()
}

// A file size limit, inherited from the command that started the monitor, does not kill it.
func TestFileSizeLimit(t *testing.T) {
	const limit = 64 << 10
	w := start(t, t.TempDir(), instructions{FileSize: limit})
	for i := range 20 {
		w.write(w.stdout, strings.Repeat(fmt.Sprintf("line %03d\n", i), 1000))
	}
	w.idle()
	out, _ := w.log()
	if !strings.HasPrefix(out, "line 000\n") || len(out) > limit {
		t.Errorf("%d bytes, %.20q", len(out), out)
	}
	w.end()
}

// minictr is executed by the monitor itself, which keeps its process ID, its descriptors
// and its children.
func TestEnded(t *testing.T) {
	w := start(t, t.TempDir(), instructions{idleMonitor: idleMonitor{
		Ended: []string{"sh", "-c",
			`echo "$0 $$ $WORD" >/proc/self/fd/66/ended; ls /proc/self/fd >/proc/self/fd/66/open`, "argument"},
		Env: []string{"WORD=environment"},
	}})
	w.end()
	output := testkit.ReadFile(t, w.path("ended"))
	if want := fmt.Sprintf("argument %d environment\n", w.cmd.Process.Pid); output != want {
		t.Errorf("%q, want %q", output, want)
	}
	open, _ := os.ReadFile(w.path("open"))
	for fd := minictrFD; fd <= processFD; fd++ {
		if fd != InputFD && !strings.Contains(string(open), fmt.Sprintf("%d\n", fd)) {
			t.Errorf("descriptor %d is closed", fd)
		}
	}
}

func TestSleep(t *testing.T) {
	began := time.Now()
	ended := []string{"sh", "-c", "echo executed >/proc/self/fd/66/executed"}
	w := start(t, t.TempDir(), instructions{Milliseconds: 300, idleMonitor: idleMonitor{Ended: ended}})
	testkit.Check(w, w.cmd.Wait())
	if slept := time.Since(began); slept < 300*time.Millisecond {
		t.Errorf("%v", slept)
	}
	testkit.Equal(t, "the file of the command", testkit.ReadFile(t, w.path("executed")), "executed\n")
}

// An idle monitor has a few private pages.
func TestMemory(t *testing.T) {
	w := start(t, t.TempDir(), instructions{})
	w.write(w.stdout, "something")
	w.untilLogged("something")
	_, rest, _ := strings.Cut(testkit.ReadFile(t, w.proc("smaps_rollup")), "Private_Dirty:")
	var kB int
	if n, err := fmt.Sscan(rest, &kB); n != 1 {
		t.Fatal(err)
	}
	if kB > 64 {
		t.Errorf("Private_Dirty: %d kB", kB)
	}
	t.Logf("Private_Dirty: %d kB", kB)
}
