package browse

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/layers/stack"
)

// A table is a list of places, each a path in a layer.
type table struct {
	scroll
	title string
	head  string
	rows  []tableRow
	left  int // columns that are scrolled out
}

type tableRow struct {
	text  string // safe
	mark  stack.Mark
	layer int    // where it leads to
	path  string // there
}

func newTable(title, head string, rows []tableRow) *table {
	t := &table{title: title, head: head, rows: rows}
	t.length = len(rows)
	return t
}

// wasteTable lists the files that the stack hides, largest first.
func wasteTable(s *stack.Stack) *table {
	var rows []tableRow
	_, files := s.Waste()
	for _, h := range files {
		path := h.Node.Path()
		text := fmt.Sprintf("%8s %5d %6d  %-11s  %s", humanSize(h.Size), h.Inode.Layer, h.Layer, h.How, safe(path))
		rows = append(rows, tableRow{text, stack.Deleted, h.Layer, path})
	}
	title := fmt.Sprintf("Waste: %s of %s are hidden, efficiency %.4f",
		humanSize(s.Total-s.Visible()), humanSize(s.Total), s.Efficiency())
	return newTable(title, "    SIZE LAYER HIDDEN  HOW          PATH", rows)
}

// whyTable lists what the layers did to a path.
func whyTable(image *Image, s *stack.Stack, path string) *table {
	var rows []tableRow
	for _, c := range s.Why(path) {
		what, size := strings.Join(c.What.Names(), ", "), "-"
		switch {
		case c.Mark == stack.Deleted:
			what = string(c.How)
		case c.Mark == stack.Added:
			what = "added"
		case what == "":
			what = "written again"
		}
		if c.After != nil {
			size = humanSize(c.After.Size)
		}
		text := fmt.Sprintf("%5d %c %8s  %-13s  %s", c.Layer, c.Mark, size, what,
			oneLine(image.Layers[c.Layer-1].Instruction))
		rows = append(rows, tableRow{text, c.Mark, c.Layer, path})
	}
	title := "Layers that changed " + safe(path) + ": " + strconv.Itoa(len(rows))
	return newTable(title, "LAYER       SIZE  WHAT           CREATED BY", rows)
}
