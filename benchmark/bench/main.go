// Bench contrasts containers with virtual machines on this computer, prints a
// table and writes report.json and report.html:
//
//	bench [FLAGS] WORKLOAD
//
// WORKLOAD is benchmark/workload, built for this CPU. scripts/bench builds both
// and runs this.
package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/minictr/minictr/benchmark/report"
	"github.com/minictr/minictr/hint"
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
	quick := flag.Bool("quick", false, "measure less, for a first look")
	machines := flag.Bool("machines", true, "virtual machines too, not only containers")
	source := flag.String("source", ".", "the folder of minictr's source, where bin/minictr was built")
	out := flag.String("out", "bin/bench", "the folder where report.json and report.html are written")
	again := flag.String("again", "", "measure nothing; write the report of this report.json again")
	only := flag.String("only", "", "the targets with these words in their names, by commas")
	starts := flag.Int("machine-starts", 0, "warm starts of each kind of machine, for less than everything")
	most := flag.Int("most-machines", 0, "never have more machines than these at the same time")
	flag.Parse()
	if *again != "" {
		r, err := read(*again)
		if err != nil {
			return err
		}
		return write(r, *out)
	}
	if flag.NArg() != 1 {
		return errors.New("one argument is wanted, the program of benchmark/workload")
	}
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
	s := benchmark.Setup{Source: *source, Minictr: filepath.Join(*source, "bin/minictr"), Workload: flag.Arg(0), Scratch: scratchFolder()}
	r, err := measure(ctx, choose(targets, *only), o, s, *out)
	if err != nil {
		return err
	}
	return write(r, *out)
}

func all() []benchmark.Target { return slices.Concat(engine.Targets(), machine.Targets()) }

// measure removes what is left in the scratch folder, and keeps what is said in
// OUT/log.
func measure(ctx context.Context, targets []benchmark.Target, o benchmark.Options, s benchmark.Setup, out string) (r *benchmark.Report, err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	said, err := os.Create(filepath.Join(out, "log"))
	if err != nil {
		return nil, err
	}
	defer said.Close()
	s.Log = said
	lock, err := lock(s.Scratch)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	progress := log.New(io.MultiWriter(os.Stderr, said), "", log.Ltime)
	if err := benchmark.Sweep(ctx, all(), s, progress); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.Scratch)) }()
	return benchmark.Measure(ctx, targets, o, s, progress)
}

func choose(targets []benchmark.Target, words string) []benchmark.Target {
	if words == "" {
		return targets
	}
	return slices.DeleteFunc(targets, func(t benchmark.Target) bool {
		return !slices.ContainsFunc(strings.Split(words, ","), func(word string) bool { return strings.Contains(t.Name(), word) })
	})
}

func read(file string) (*benchmark.Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(benchmark.Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// write writes the report in all its forms: the table first, to standard output,
// so that a full disk takes nothing away of what was measured.
func write(r *benchmark.Report, out string) error {
	if err := report.Text(os.Stdout, r); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.HTML(&page, r); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	pictures, single := filepath.Join(out, "report.html"), filepath.Join(out, "report.json")
	if err := errors.Join(replace(single, append(data, '\n')), replace(pictures, page.Bytes())); err != nil {
		return err
	}
	fmt.Printf("\nThe pictures are in %s, every single measurement is in %s.\n", pictures, single)
	return nil
}

// replace a file by another, or leave it as it is.
func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return errors.Join(err, os.Remove(file+".new"))
	}
	return os.Rename(file+".new", file)
}
