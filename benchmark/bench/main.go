// Bench compares containers with virtual machines on this computer, prints tables
// and writes report.json and report.html:
//
//	bench [FLAGS] WORKLOAD
//
// WORKLOAD is benchmark/workload, built for this CPU. scripts/bench builds both
// and runs this. Reading order: main.go (flags), scratch.go, output.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/engine"
	"github.com/minictr/minictr/benchmark/machine"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	defer context.AfterFunc(ctx, func() { fmt.Fprintln(os.Stderr, "bench: interrupted; removing what was made") })()
	err := bench(ctx)
	if err == nil {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted: no report was written")
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	if h := hint.Of(err); h != "" {
		fmt.Fprintln(os.Stderr, "hint:", h)
	}
	os.Exit(1)
}

func bench(ctx context.Context) error {
	// flags
	quick := flag.Bool("quick", false, "measure less, for a first look")
	machines := flag.Bool("machines", true, "measure virtual machines too, not only containers")
	source := flag.String("source", ".", "`directory` of minictr's source, where bin/minictr was built")
	out := flag.String("out", "bin/bench", "`directory` to write report.json and report.html to")
	again := flag.String("again", "", "measure nothing; write the report of this report.json `file` again")
	only := flag.String("only", "", "measure only targets whose names have one of these `words`, separated by commas")
	starts := flag.Int("machine-starts", 0, "`number` of warm starts of each kind of machine (default 10)")
	most := flag.Int("most-machines", 0, "maximum `number` of machines at the same time (default 10)")
	flag.Parse()
	if *again != "" {
		r, err := read(*again)
		if err != nil {
			return err
		}
		return write(r, *out)
	}
	if flag.NArg() != 1 {
		return errors.New("exactly one argument is required: the program of benchmark/workload")
	}

	// what is measured
	o := benchmark.Full()
	if *quick {
		o = benchmark.Quick()
	}
	if *starts > 0 {
		o.Machines, o.ColdVM = *starts, 1
	}
	if *most > 0 {
		o.CountsVM = slices.DeleteFunc(o.CountsVM, func(n int) bool { return n > *most })
	}
	targets := all()
	if !*machines {
		targets = engine.Targets()
	}

	// where
	s := benchmark.Setup{Source: *source, Minictr: filepath.Join(*source, "bin/minictr"),
		Workload: flag.Arg(0), Scratch: scratchDir()}
	for _, path := range [...]*string{&s.Source, &s.Minictr, &s.Workload, &s.Scratch} {
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	r, err := measure(ctx, choose(targets, *only), o, s, *out)
	if err != nil {
		return err
	}
	return write(r, *out)
}

func all() []benchmark.Target { return slices.Concat(engine.Targets(), machine.Targets()) }

// choose returns the targets whose names contain one of the words.
func choose(targets []benchmark.Target, words string) []benchmark.Target {
	if words == "" {
		return targets
	}
	return slices.DeleteFunc(targets, func(t benchmark.Target) bool {
		in := func(word string) bool { return strings.Contains(t.Facts().Name, word) }
		return !slices.ContainsFunc(strings.Split(words, ","), in)
	})
}

// measure recovers the scratch directory, measures, and logs to OUT/log.
func measure(ctx context.Context, targets []benchmark.Target, o benchmark.Options, s benchmark.Setup, out string) (
	r *benchmark.Report, err error,
) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(out, "log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s.Log = file
	lock, err := lock(s.Scratch)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	progress := log.New(io.MultiWriter(os.Stderr, file), "", log.Ltime)
	if err := benchmark.Recover(ctx, all(), s, progress); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, owned.RemoveAll(s.Scratch)) }()
	return benchmark.Measure(ctx, targets, o, s, progress)
}
