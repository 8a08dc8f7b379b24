package logs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// million is a log of a million lines, 8 MiB and more in each file.
func million(b *testing.B) (dir string) {
	dir = b.TempDir()
	for _, name := range []string{Older, Current} {
		var file []byte
		for n := range 500_000 {
			file = frame{start, Stdout, fmt.Appendf(nil, "line %d\n", n)}.appendTo(file)
		}
		put(b, dir, name, file)
	}
	return dir
}

func BenchmarkMillionLines(b *testing.B) {
	dir := million(b)
	for name, o := range map[string]Options{
		"All": {Tail: -1}, "Tail10": {Tail: 10}, "Timestamps": {Tail: -1, Timestamps: true},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				testkit.Check(b, Copy(b.Context(), dir, o, nil, io.Discard, io.Discard))
			}
		})
	}
}

// BenchmarkEcho measures how long the echo of a keystroke takes from the log to a follower.
func BenchmarkEcho(b *testing.B) {
	dir := b.TempDir()
	w := openWriter(b, dir, Maximum)
	r, out := io.Pipe()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go Copy(ctx, dir, Options{Follow: true, Tail: -1}, nil, out, nil)
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		testkit.Check(b, w.Write(Stdout, start, []byte("x")))
		if _, err := r.Read(make([]byte, 16)); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}
