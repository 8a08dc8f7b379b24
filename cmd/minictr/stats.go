package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/meter"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var statsCommand = &cli.Command{
	Name:      "stats",
	Usage:     "show what containers use, every second",
	UsageText: "minictr stats [FLAGS] [CONTAINER…]   (all that run, if none is named)",
	Description: `CPU %     share of one processor: two that are busy are 200 %
ANON      memory of its processes' own
FILE      its files in the page cache, which the kernel takes back if need be
MEM       both and what the kernel needs for it, against the limit
PRESSURE  share of the last ten seconds in which a process waited for CPU, memory or disk
PIDS      processes and threads, against the limit
--        the kernel does not count it: no such controller, or the container does not run

As JSON, a line a container and round: bytes, nanoseconds and percent as numbers;
null is what is not counted, and a limit that is not set.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "containers that do not run, too"},
		&cli.BoolFlag{Name: "no-stream", Usage: "once, and end"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "whole IDs"},
		&cli.StringFlag{Name: "format", Usage: "table or `json`", Value: "table"},
	},
	Action: stats,
}

// The share of the CPU is measured between two readings. A container that is held
// back by --cpus runs at the beginning of each period, of 100 ms: over whole
// periods the share is exact, and five are enough to even out the kernel's clock,
// which ticks every 4 ms.
const (
	firstRound = 500 * time.Millisecond
	nextRound  = time.Second
)

func stats(c *cli.Context) (err error) {
	var names []string
	if c.Args().Present() {
		if names, err = words(c, -1, "CONTAINERs"); err != nil {
			return err
		}
	}
	show, err := statsShow(c)
	if err != nil {
		return err
	}
	before := meter.Readings{}
	read := func() ([]container.Stats, error) {
		return container.ReadStats(c.String("root"), names, c.Bool("all"), before)
	}
	if _, err := read(); err != nil {
		return err
	}
	for round := firstRound; ; round = nextRound {
		time.Sleep(round)
		rows, err := read()
		if err != nil {
			return err
		}
		if err := show(rows); err != nil || c.Bool("no-stream") {
			return err
		}
	}
}

// statsShow is how a round is printed. On a terminal a table is drawn over the one
// before.
func statsShow(c *cli.Context) (func([]container.Stats) error, error) {
	whole := c.Bool("no-trunc")
	switch format := c.String("format"); {
	case format == "json":
		return statsJSON, nil
	case format != "table":
		return nil, fmt.Errorf("stats: unknown format %q, it is table or json", format)
	case c.Bool("no-stream") || !stdio.IsTerminal(os.Stdout):
		return func(rows []container.Stats) error {
			_, err := os.Stdout.Write(statsTable(rows, whole))
			return err
		}, nil
	}
	const clear, home, restOfLine, restOfScreen = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"
	fmt.Print(clear)
	return func(rows []container.Stats) error {
		text := strings.ReplaceAll(string(statsTable(rows, whole)), "\n", restOfLine+"\n")
		_, err := fmt.Print(home + text + restOfScreen)
		return err
	}, nil
}

func statsJSON(rows []container.Stats) error {
	out := json.NewEncoder(os.Stdout)
	for _, row := range rows {
		if err := out.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func statsTable(rows []container.Stats, whole bool) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 1, 3, ' ', 0)
	fmt.Fprintln(w, "CONTAINER ID\tNAME\tCPU %\tANON\tFILE\tMEM / LIMIT\tMEM %\tPRESSURE CPU/MEM/IO\tPIDS\tREAD / WRITTEN")
	for _, s := range rows {
		id := s.ID
		if !whole {
			id = id[:12]
		}
		fmt.Fprintln(w, strings.Join(append([]string{id, s.Name}, statsColumns(s)...), "\t"))
	}
	w.Flush()
	return b.Bytes()
}

const notCounted = "--"

func statsColumns(s container.Stats) []string {
	columns := []string{notCounted, notCounted, notCounted, notCounted, notCounted,
		stall(s.Pressure.CPU) + " / " + stall(s.Pressure.Memory) + " / " + stall(s.Pressure.IO), notCounted, notCounted}
	if s.CPU != nil {
		columns[0] = percent(s.CPU.Percent)
	}
	if m := s.Memory; m != nil {
		columns[1], columns[2] = size(m.Anon), size(m.File)
		columns[3], columns[4] = size(m.Current)+" / "+limit(m.Limit, size), percent(m.Percent)
	}
	if p := s.Pids; p != nil {
		columns[6] = decimal(p.Current) + " / " + limit(p.Limit, decimal)
	}
	if s.IO != nil {
		columns[7] = size(s.IO.Read) + " / " + size(s.IO.Written)
	}
	return columns
}

func size(n uint64) string    { return units.BytesSize(float64(n)) }
func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// limit is told in the kernel's word if there is none.
func limit(n *uint64, text func(uint64) string) string {
	if n == nil {
		return "max"
	}
	return text(*n)
}

func percent(share *float64) string {
	if share == nil {
		return notCounted
	}
	return strconv.FormatFloat(*share, 'f', 2, 64) + "%"
}

func stall(s *meter.Stall) string {
	if s == nil {
		return notCounted
	}
	return strconv.FormatFloat(s.Some, 'f', 1, 64) + "%"
}
