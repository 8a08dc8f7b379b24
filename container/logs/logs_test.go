package logs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// start is the time of the first frame in a test's log; each other is a second later.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// output is what a container has written, a string a frame: "1" or "2" for the stream,
// and the text.
type output []string

func (s output) frames() (frames []frame) {
	for i, text := range s {
		frames = append(frames, frame{start.Add(time.Duration(i) * time.Second), int(text[0] - '0'), []byte(text[1:])})
	}
	return frames
}

func (s output) bytes() (file []byte) {
	for _, f := range s.frames() {
		file = f.appendTo(file)
	}
	return file
}

// put writes a file of the log in dir.
func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	testkit.Check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

// merged is the output of both streams: standard error is in angle brackets.
type merged struct{ strings.Builder }

type bracketed struct{ *merged }

func (b bracketed) Write(p []byte) (int, error) {
	b.WriteString("<")
	b.merged.Write(p)
	b.WriteString(">")
	return len(p), nil
}

func show(t *testing.T, dir string, o Options) (string, error) {
	t.Helper()
	var m merged
	err := Copy(t.Context(), dir, o, nil, &m, bracketed{&m})
	return m.String(), err
}

func TestCopy(t *testing.T) {
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	const T = "2026-03-01T12:00:0"
	for _, c := range []struct {
		name         string
		older, newer output
		options      Options
		want         string
	}{
		{name: "nothing", options: Options{Tail: -1}, want: ""},
		{name: "all", older: output{"1a\n", "2b\n"}, newer: output{"1c\n"}, options: Options{Tail: -1},
			want: "a\n<b\n>c\n"},
		{name: "only an older file", older: output{"1a\n"}, options: Options{Tail: -1}, want: "a\n"},
		{name: "a prompt", newer: output{"1name? "}, options: Options{Tail: -1}, want: "name? "},
		{name: "an empty frame", newer: output{"1", "1a"}, options: Options{Tail: -1, Timestamps: true},
			want: T + "1.000000000Z a"},
		{name: "any bytes", newer: output{"1\x00\xff\x1b[2J\r\n"}, options: Options{Tail: -1},
			want: "\x00\xff\x1b[2J\r\n"},

		{name: "no line", newer: output{"1a\nb\n"}, options: Options{Tail: 0}, want: ""},
		{name: "one line of a frame", newer: output{"1a\nb\nc\n"}, options: Options{Tail: 1}, want: "c\n"},
		{name: "more than there are", newer: output{"1a\nb\n"}, options: Options{Tail: 5}, want: "a\nb\n"},
		{name: "the last has no end", newer: output{"1a\nb\nc"}, options: Options{Tail: 2}, want: "b\nc"},
		{name: "of both streams", newer: output{"1a\n", "2b\n", "1c\n", "2d\n"}, options: Options{Tail: 3},
			want: "<b\n>c\n<d\n>"},
		{name: "over both files", older: output{"1a\nb\n"}, newer: output{"1c\n"}, options: Options{Tail: 2},
			want: "b\nc\n"},
		{name: "a line in both files", older: output{"1a\nb"}, newer: output{"1b\nc\n"}, options: Options{Tail: 2},
			want: "bb\nc\n"},
		{name: "a line in both files is left out", older: output{"1a\nb"}, newer: output{"1b\nc\n"},
			options: Options{Tail: 1},
			want:    "c\n"},
		{name: "a line around another", newer: output{"1a\nb", "2x\n", "1b\n"}, options: Options{Tail: 2},
			want: "b<x\n>b\n"},
		{name: "a line around another is left out", newer: output{"1a\nb", "2x\n", "1b\n"}, options: Options{Tail: 1},
			want: "<x\n>"},
		{name: "empty lines", newer: output{"1\n\n\n"}, options: Options{Tail: 2}, want: "\n\n"},

		{name: "since", newer: output{"1a\n", "1b\n", "1c\n"}, options: Options{Tail: -1, Since: at(1)},
			want: "b\nc\n"},
		{name: "until", newer: output{"1a\n", "1b\n", "1c\n"}, options: Options{Tail: -1, Until: at(1)},
			want: "a\nb\n"},
		{name: "between two", newer: output{"1a\n", "1b\n", "1c\n"},
			options: Options{Tail: -1, Since: at(1), Until: at(1)},
			want:    "b\n"},
		{name: "the last until", newer: output{"1a\n", "1b\n", "1c\n"}, options: Options{Tail: 1, Until: at(1)},
			want: "b\n"},

		{name: "times", newer: output{"1a\nb\n", "2c\n"}, options: Options{Tail: -1, Timestamps: true},
			want: T + "0.000000000Z a\n" + T + "0.000000000Z b\n<" + T + "1.000000000Z c\n>"},
		{name: "the time of a line is when it began", newer: output{"1a", "1b", "1c\nd"},
			options: Options{Tail: -1, Timestamps: true},
			want:    T + "0.000000000Z abc\n" + T + "2.000000000Z d"},
		{name: "times of each stream", newer: output{"1a", "2x", "1b\n", "2y\n"},
			options: Options{Tail: -1, Timestamps: true},
			want:    T + "0.000000000Z a<" + T + "1.000000000Z x>b\n<y\n>"},
		{name: "times of the last lines", older: output{"1a\nb"}, newer: output{"1b\nc\n"},
			options: Options{Tail: 2, Timestamps: true},
			want:    T + "0.000000000Z bb\n" + T + "0.000000000Z c\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.older != nil {
				put(t, dir, Older, c.older.bytes())
			}
			if c.newer != nil {
				put(t, dir, Current, c.newer.bytes())
			}
			got, err := show(t, dir, c.options)
			if err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestCopyInAnotherTimeZone(t *testing.T) {
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.FixedZone("", 5*3600)
	dir := t.TempDir()
	put(t, dir, Current, frame{time.Unix(1, 20), Stdout, []byte("a\n")}.appendTo(nil))
	got, err := show(t, dir, Options{Tail: -1, Timestamps: true})
	if want := "1970-01-01T00:00:01.000000020Z a\n"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCopyOneStream: lines of the other stream are neither written nor counted.
func TestCopyOneStream(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, Current, output{"1a\n", "1b\n", "2c\n"}.bytes())
	var out bytes.Buffer
	if err := Copy(t.Context(), dir, Options{Tail: 1}, nil, &out, nil); err != nil || out.String() != "b\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestCopyDamaged: bytes that are not a frame end their file, are reported with their
// offset, and hide nothing else.
func TestCopyDamaged(t *testing.T) {
	good := output{"1good\n"}.bytes()
	header := func(change func(*frame)) []byte {
		f := frame{start, Stdout, nil}
		change(&f)
		return f.appendTo(nil)
	}
	set := func(offset int, v uint64) []byte {
		b := header(func(*frame) {})
		binary.NativeEndian.PutUint64(b[offset:], v)
		return b
	}
	for name, bad := range map[string][]byte{
		"nanoseconds past one":   set(8, 1e9),
		"zeros":                  make([]byte, 4096),
		"text":                   []byte(strings.Repeat("text ", 20)),
		"a third stream":         header(func(f *frame) { f.stream = 3 }),
		"a time before 1970":     header(func(f *frame) { f.time = time.Unix(-1, 0) }),
		"a time after all":       header(func(f *frame) { f.time = time.Unix(lastSecond+1, 0) }),
		"a length without end":   set(24, 1<<63),
		"ones":                   bytes.Repeat([]byte{0xff}, 40),
		"a length past MaxFrame": frame{start, Stdout, make([]byte, MaxFrame+1)}.appendTo(nil),
	} {
		dir := t.TempDir()
		put(t, dir, Older, append(bytes.Clone(good), bad...))
		put(t, dir, Current, output{"2newer\n"}.bytes())
		for tail, want := range map[int]string{-1: "good\n<newer\n>", 1: "<newer\n>"} {
			got, err := show(t, dir, Options{Tail: tail})
			testkit.Equal(t, name, got, want)
			want := "read " + filepath.Join(dir, Older) + ": not a frame at offset 37"
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

// TestCopyIncompleteFrame: wherever a frame breaks off, those before it are output.
func TestCopyIncompleteFrame(t *testing.T) {
	whole := output{"1a\n", "1bcdef\n"}.bytes()
	for n := range whole {
		dir := t.TempDir()
		put(t, dir, Current, whole[:n])
		want := ""
		if n >= HeaderSize+2 {
			want = "a\n"
		}
		if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != want {
			t.Fatalf("%d bytes: %q, %v; want %q", n, got, err, want)
		}
	}
}

// TestCopyLongestFrame: a frame may be larger than what is read at once.
func TestCopyLongestFrame(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("0123456789abcde\n", MaxFrame/16)
	put(t, dir, Current, output{"1first\n", "1" + text, "1last\n"}.bytes())
	if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != "first\n"+text+"last\n" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// feeding is an output during whose writes the container writes more.
type feeding struct {
	merged
	feed func()
}

func (f *feeding) Write(p []byte) (int, error) {
	f.feed()
	return f.merged.Write(p)
}

// TestCopyEnds: Copy returns though the log grows as fast as it is read.
func TestCopyEnds(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, Maximum)
	writeFrames(t, w, "1a\n", "2b\n")
	out := &feeding{feed: func() { writeFrames(t, w, "1c\n", "2d\n") }}
	if err := Copy(t.Context(), dir, Options{Tail: -1}, nil, out, out); err != nil || out.String() != "a\nb\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestCopyCancelled(t *testing.T) {
	dir := t.TempDir()
	line := "1" + strings.Repeat("x", 9999) + "\n"
	put(t, dir, Current, output(slices.Repeat([]string{line}, 1000)).bytes())
	ctx, cancel := context.WithCancel(t.Context())
	out := &feeding{feed: cancel}
	err := Copy(ctx, dir, Options{Tail: -1}, nil, out, nil)
	if !errors.Is(err, context.Canceled) || out.Len() > 2*bufferSize {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

// TestCopyWhileRenamed: the two files are of one moment, however often they are renamed.
func TestCopyWhileRenamed(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, 1) // each frame in a file of its own
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := w.Write(Stdout, start, fmt.Appendf(nil, "%d ", n)); err != nil {
				t.Error(err)
			}
		}
		close(done)
	}()
	for ctx.Err() == nil {
		text, err := show(t, dir, Options{Tail: -1})
		testkit.Check(t, err)
		var first, second int
		if n, _ := fmt.Sscan(text, &first, &second); n == 2 && second != first+1 {
			t.Fatalf("between %d and %d something is missing", first, second)
		}
	}
}

// FuzzCopy: whatever the files hold, Copy returns, and frames before other bytes are
// output as they are.
func FuzzCopy(f *testing.F) {
	f.Add([]byte{}, []byte{}, -1)
	f.Add(output{"1a\n"}.bytes(), output{"2b\n", "1c"}.bytes(), 1)
	f.Add(output{"1a\n"}.bytes()[:20], make([]byte, 64), -1)
	f.Add(bytes.Repeat([]byte{0xff}, 64), output{"1a"}.bytes(), 3)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, older, newer []byte, tail int) {
		known := output{"1known\n", "2words\n"}.bytes()
		put(t, dir, Older, append(known, older...))
		put(t, dir, Current, newer)
		for _, o := range []Options{{Tail: -1}, {Tail: tail, Timestamps: true}} {
			var out, err bytes.Buffer
			failed := Copy(t.Context(), dir, o, nil, &out, &err)
			if o.Tail >= 0 || o.Timestamps {
				continue
			}
			if !strings.HasPrefix(out.String(), "known\n") || !strings.HasPrefix(err.String(), "words\n") {
				t.Errorf("%q and %q are output", out.String(), err.String())
			}
			if size := out.Len() + err.Len(); size > len(older)+len(newer)+12 {
				t.Errorf("%d bytes are output", size)
			}
			if failed != nil && !strings.Contains(failed.Error(), "not a frame at offset") {
				t.Error(failed)
			}
		}
	})
}

// FuzzRepair: whatever a killed writer has left, the next one continues a log that can be
// read to its end, and every frame before the damage is still there.
func FuzzRepair(f *testing.F) {
	f.Add([]byte{})
	f.Add(output{"1a\n", "2b"}.bytes()[:40])
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, torn []byte) {
		known := output{"1known\n"}.bytes()
		put(t, dir, Current, append(known, torn...))
		lost, err := Repair(dir)
		testkit.Check(t, err)
		whole := testkit.ReadFile(t, filepath.Join(dir, Current))
		if lost < 0 || int(lost) > len(torn) || string(torn[:len(torn)-int(lost)]) != whole[len(known):] {
			t.Errorf("%d of %d bytes lost, the log is %q", lost, len(torn), whole)
		}
		put(t, dir, Current, append([]byte(whole), output{"1next\n"}.bytes()...))
		var out bytes.Buffer
		testkit.Check(t, Copy(t.Context(), dir, Options{Tail: -1}, nil, &out, &out))
		if !strings.HasPrefix(out.String(), "known\n") || !strings.HasSuffix(out.String(), "next\n") {
			t.Errorf("%q", out.String())
		}
	})
}
