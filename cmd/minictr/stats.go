package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/stats"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var statsCommand = &cli.Command{
	Name:      "stats",
	Usage:     "show the resource usage of containers, every second",
	ArgsUsage: "[CONTAINER…]",
	Description: `Without an argument, all running containers are shown.

CPU %     CPU time; 100 % is one CPU
ANON      anonymous memory of its processes
FILE      page cache of its files, which the kernel can reclaim
MEM       ANON, FILE and kernel memory, and the limit
PRESSURE  share of the last ten seconds in which a process waited for CPU,
          memory or I/O
PIDS      processes and threads, and the limit
--        not counted: no such controller, or the container is not running

The JSON has one line for each container and round, with bytes, nanoseconds and
percent as numbers. null is what is not counted, and a limit that is not set.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "show all containers, not only running ones"},
		formatFlag(),
		&cli.BoolFlag{Name: "no-stream", Usage: "print one round and exit"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "print full IDs"},
	},
	Action: runStats,
}

// CPU time is measured between two rounds. A container that --cpus throttles runs at the
// beginning of each period of 100 ms: over whole periods the share is exact. Five are
// enough to even out the kernel's tick of 4 ms.
const (
	firstRound = 500 * time.Millisecond
	nextRound  = time.Second
)

func runStats(c *cli.Context) (err error) {
	names := c.Args().Slice()
	before := stats.Samples{}
	read := func() ([]inspect.Stats, error) {
		return inspect.ReadStats(c.String("root"), names, c.Bool("all"), before)
	}
	list, unread := read()
	for round := firstRound; len(list) > 0 || unread == nil; round = nextRound {
		time.Sleep(round)
		list, unread = read()
		if err := showStats(c, list); err != nil || c.Bool("no-stream") {
			return errors.Join(err, unread)
		}
		if unread != nil {
			tell(unread)
		}
	}
	return unread
}

// showStats prints a round. On a terminal each replaces the one before.
func showStats(c *cli.Context, list []inspect.Stats) error {
	const home, clear = "\x1b[H", "\x1b[J"
	format := c.String("format")
	if format == "json" {
		return printStats(list)
	}
	if !c.Bool("no-stream") && stdio.IsTerminal(os.Stdout) {
		fmt.Print(home + clear)
	}
	var rows []statsRow
	for _, s := range list {
		rows = append(rows, newStatsRow(s, c.Bool("no-trunc")))
	}
	return printList(format, statsColumns, headings{
		"ID": "CONTAINER ID", "Name": "NAME", "Container": "CONTAINER", "NetIO": "NET I/O",
		"CPUPerc": "CPU %", "Anon": "ANON", "File": "FILE",
		"MemUsage": "MEM / LIMIT", "MemPerc": "MEM %", "Pressure": "PRESSURE CPU/MEM/IO",
		"PIDs": "PIDS", "BlockIO": "READ / WRITTEN",
	}, rows)
}

func printStats(list []inspect.Stats) error {
	out := json.NewEncoder(os.Stdout)
	for _, s := range list {
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return nil
}

// statsRow is a container's usage as text, by docker's names. Container is the name, as in
// docker's templates; NetIO is not counted.
type statsRow struct {
	ID, Name, Container, NetIO, CPUPerc, Anon, File, MemUsage, MemPerc, Pressure, PIDs, BlockIO string
}

const (
	statsColumns = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.Anon}}\t{{.File}}\t" +
		"{{.MemUsage}}\t{{.MemPerc}}\t{{.Pressure}}\t{{.PIDs}}\t{{.BlockIO}}"
	notCounted = "--"
)

func newStatsRow(s inspect.Stats, whole bool) statsRow {
	row := statsRow{
		ID: s.ID, Name: s.Name, Container: s.Name, NetIO: notCounted,
		CPUPerc: notCounted, Anon: notCounted, File: notCounted,
		MemUsage: notCounted, MemPerc: notCounted,
		Pressure: stall(s.Pressure.CPU) + " / " + stall(s.Pressure.Memory) + " / " + stall(s.Pressure.IO),
		PIDs:     notCounted, BlockIO: notCounted,
	}
	if !whole {
		row.ID = s.ID[:12]
	}
	// What the kernel counts.
	if s.CPU != nil {
		row.CPUPerc = percent(s.CPU.Percent)
	}
	if m := s.Memory; m != nil {
		row.Anon, row.File = size(m.Anon), size(m.File)
		row.MemUsage, row.MemPerc = size(m.Current)+" / "+limit(m.Limit, size), percent(m.Percent)
	}
	if p := s.Pids; p != nil {
		row.PIDs = decimal(p.Current) + " / " + limit(p.Limit, decimal)
	}
	if s.IO != nil {
		row.BlockIO = size(s.IO.Read) + " / " + size(s.IO.Written)
	}
	return row
}

func size(n uint64) string    { return units.BytesSize(float64(n)) }
func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// limit returns "max", as the kernel's files do, where there is none.
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

func stall(s *stats.Stall) string {
	if s == nil {
		return notCounted
	}
	return strconv.FormatFloat(s.Some, 'f', 1, 64) + "%"
}
