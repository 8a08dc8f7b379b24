package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// follower is a Copy with Follow in progress.
type follower struct {
	t      *testing.T
	ended  chan struct{}
	result chan error

	mu   sync.Mutex
	more *sync.Cond
	text bytes.Buffer
}

func follow(t *testing.T, dir string, o Options) *follower {
	f := &follower{t: t, ended: make(chan struct{}), result: make(chan error, 1)}
	f.more = sync.NewCond(&f.mu)
	o.Follow = true
	ctx, cancel := context.WithCancel(t.Context())
	go func() { f.result <- Copy(ctx, dir, o, f.ended, f, f) }()
	t.Cleanup(cancel)
	return f
}

func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.more.Broadcast()
	return f.text.Write(p)
}

// sees waits until the output is want.
func (f *follower) sees(want string) {
	f.t.Helper()
	f.waitFor(func(text string) bool { return text == want })
}

func (f *follower) waitFor(good func(text string) bool) {
	f.t.Helper()
	late := false
	defer time.AfterFunc(time.Minute, func() {
		f.mu.Lock()
		late = true
		f.mu.Unlock()
		f.more.Broadcast()
	}).Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for !good(f.text.String()) {
		if f.more.Wait(); late {
			f.t.Fatalf("output is %.200q", f.text.String())
		}
	}
}

// end lets the container exit, and returns the error of Copy.
func (f *follower) end() error {
	f.t.Helper()
	close(f.ended)
	return f.returned()
}

func (f *follower) returned() error {
	f.t.Helper()
	select {
	case err := <-f.result:
		return err
	case <-time.After(time.Minute):
		f.t.Fatal("Copy does not end")
		return nil
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, Maximum)
	writeFrames(t, w, "1a\nb\n")
	f := follow(t, dir, Options{Tail: 1})
	f.sees("b\n")
	writeFrames(t, w, "1name? ") // without the end of a line
	f.sees("b\nname? ")
	writeFrames(t, w, "2x\n", "1me\n")
	testkit.Check(t, f.end())
	f.sees("b\nname? x\nme\n")
}

// TestFollowCreatedLater: a log is followed that does not exist yet.
func TestFollowCreatedLater(t *testing.T) {
	dir := t.TempDir()
	f := follow(t, dir, Options{Tail: 0})
	time.Sleep(10 * time.Millisecond)
	w := openWriter(t, dir, Maximum)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		writeFrames(t, w, "1a\n") // again and again: a Copy that starts late skips what is there
		f.mu.Lock()
		text := f.text.String()
		f.mu.Unlock()
		if strings.HasPrefix(text, "a\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("output is %q", text)
		}
	}
	testkit.Check(t, f.end())
}

// TestFollowExited: the whole log of a container that has exited is output.
func TestFollowExited(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, Older, output{"1a\n"}.bytes())
	put(t, dir, Current, output{"1b\n"}.bytes())
	f := follow(t, dir, Options{Tail: -1})
	testkit.Check(t, f.end())
	f.sees("a\nb\n")
}

// TestFollowRotation: while the log is renamed hundreds of times, no frame is lost,
// repeated or out of order.
func TestFollowRotation(t *testing.T) {
	dir := t.TempDir()
	const frames, ahead = 5000, 10
	w := openWriter(t, dir, 2*ahead*(HeaderSize+6)) // the reader is never two files behind
	f := follow(t, dir, Options{Tail: -1})
	var want strings.Builder
	for n := range frames {
		line := fmt.Sprintf("%05d\n", n)
		want.WriteString(line)
		writeFrames(t, w, "1"+line)
		f.waitFor(func(text string) bool { return len(text) >= 6*(n-ahead) })
	}
	testkit.Check(t, f.end())
	f.sees(want.String())
}

// TestFollowReportsGap: frames in a file that was renamed twice before it was read are
// missing, which is reported once; all others are output.
func TestFollowReportsGap(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, 1) // each frame in a file of its own
	writeFrames(t, w, "1a\n")
	f := follow(t, dir, Options{Tail: -1})
	f.sees("a\n")
	for range 2 {
		f.mu.Lock() // output waits
		writeFrames(t, w, "1b\n", "1c\n", "1d\n", "1e\n", "1f\n")
		f.mu.Unlock()
		f.waitFor(func(text string) bool { return strings.HasPrefix(text, "a\n") && strings.HasSuffix(text, "e\nf\n") })
	}
	if err := f.end(); err == nil || strings.Count(err.Error(), "may be missing") != 1 {
		t.Errorf("gap: %v", err)
	}
}

// TestFollowIncompleteFrame: a frame is waited for, and if it is cut off, the one that
// takes its place is output.
func TestFollowIncompleteFrame(t *testing.T) {
	dir := t.TempDir()
	first, other := output{"1first\n"}.bytes(), output{"2other text\n"}.bytes()
	put(t, dir, Current, nil)
	file, err := os.OpenFile(filepath.Join(dir, Current), os.O_WRONLY|os.O_APPEND, 0)
	testkit.Check(t, err)
	defer file.Close()
	f := follow(t, dir, Options{Tail: -1})
	add := func(part []byte) {
		file.Write(part)
		time.Sleep(10 * time.Millisecond)
	}
	add(first[:10])
	add(first[10:34])
	f.sees("")
	add(first[34:])
	f.sees("first\n")
	add(first[:34])
	testkit.Check(t, file.Truncate(int64(len(first))))
	add(other)
	f.sees("first\nother text\n")
	testkit.Check(t, f.end())
}

// TestFollowDamaged: behind bytes that are not a frame nothing can follow: Copy returns.
func TestFollowDamaged(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, Current, append(output{"1a\n"}.bytes(), make([]byte, 99)...))
	f := follow(t, dir, Options{Tail: -1})
	if err := f.returned(); !errors.Is(err, errBadFrame) {
		t.Error(err)
	}
	f.sees("a\n")
}

func TestFollowUntil(t *testing.T) {
	dir := t.TempDir()
	until := time.Now().Add(50 * time.Millisecond)
	w := openWriter(t, dir, Maximum)
	for _, f := range []frame{{until, Stdout, []byte("before\n")}, {until.Add(1), Stdout, []byte("after\n")}} {
		testkit.Check(t, w.Write(f.stream, f.time, f.data))
	}
	f := follow(t, dir, Options{Tail: -1, Until: until})
	f.sees("before\n")
	testkit.Check(t, f.returned())
}

func TestFollowCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := Copy(ctx, t.TempDir(), Options{Follow: true}, nil, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestFollowFromPosition: from the end of the log before a start, all output of the new
// run is there, and nothing older, however often the log was renamed.
func TestFollowFromPosition(t *testing.T) {
	for name, before := range map[string]output{
		"no log":       nil,
		"some":         {"1old\n"},
		"half a frame": {"1old\n", "1half"},
	} {
		for rotations := range 2 {
			dir := t.TempDir()
			if before != nil {
				put(t, dir, Current, output(before[:1]).bytes())
			}
			if len(before) > 1 {
				put(t, dir, Current, before.bytes()[:60])
			}
			end, err := End(dir)
			testkit.Check(t, err)
			if _, err := Repair(dir); err != nil {
				t.Fatal(err)
			}
			w := openWriter(t, dir, Maximum)
			writeFrames(t, w, "1$ ")
			for range rotations {
				w.maximum = 1
				writeFrames(t, w, "1\x1b[2J")
			}
			f := follow(t, dir, Options{Tail: -1, From: end})
			want := "$ " + strings.Repeat("\x1b[2J", rotations)
			f.sees(want)
			writeFrames(t, w, "1exit\r\n")
			if err := f.end(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			f.sees(want + "exit\r\n")
		}
	}
}

// TestFilesAreClosed: Copy closes every file, also those that were renamed meanwhile.
func TestFilesAreClosed(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, 1)
	writeFrames(t, w, "1a\n", "1b\n")
	before := descriptors(t)
	for range 10 {
		end, err := End(dir)
		testkit.Check(t, err)
		f := follow(t, dir, Options{Tail: 1, From: end})
		writeFrames(t, w, "1c\n", "1d\n")
		f.end()
		end, err = End(dir)
		testkit.Check(t, err)
		end.Close()
	}
	after := descriptors(t)
	for end := time.Now().Add(time.Minute); after > before && time.Now().Before(end); after = descriptors(t) {
		time.Sleep(time.Millisecond) // the goroutine of the last inotify watch is ending
	}
	if after > before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	testkit.Check(t, err)
	return len(list)
}
