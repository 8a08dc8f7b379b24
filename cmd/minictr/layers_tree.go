package main

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersTreeCommand = &cli.Command{
	Name:      "tree",
	Usage:     "show the files of an image and the changes of its layers",
	ArgsUsage: "IMAGE[@N]",
	Description: `Layers 1 to N are shown, by default all. A path is marked A if layer N added
it, C if it changed it, and D if it removed it. LAYER is the layer that has the
file.`,
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "depth", Usage: "`NUMBER` limit the depth of directories; 0 for no limit"},
		jsonFlag,
		&cli.StringFlag{Name: "mark", Usage: "`MARKS` show only paths with one of these marks, as in AC"},
		&cli.BoolFlag{Name: "only", Usage: "show only paths that the layer has or removes"},
		&cli.StringFlag{
			Name:  "path",
			Usage: "`PATH` show only this path and those below, or a pattern, as in '/etc/*.conf'",
		},
		&cli.IntFlag{
			Name: "since", Value: -1, DefaultText: "N-1",
			Usage: "`LAYER` mark the changes of all layers above this one",
		},
	},
	Action: layersTree,
}

func layersTree(c *cli.Context) error {
	s, err := lookInto(c, c.Args().First())
	if err != nil {
		return err
	}
	defer s.Close()
	// Which changes to mark, and which paths to show.
	since := c.Int("since")
	if since == -1 {
		since = max(s.N-1, 0)
	}
	if since < 0 || since > s.N {
		return hint.New(fmt.Errorf("--since %d: not from 0 to %d", since, s.N), "minictr layers ls "+s.Word)
	}
	keep, err := treeFilter(c, since)
	if err != nil {
		return err
	}
	// Compare the stacks below and above.
	lower, err := s.Stack(1, since)
	if err != nil {
		return err
	}
	upper, err := s.Stack(1, s.N)
	if err != nil {
		return err
	}
	d := stack.Diff(lower.Root, upper.Root)
	d.Keep(keep)
	t := &treePrinter{depth: c.Int("depth"), removed: upper.Removed(since)}
	if c.Bool("json") {
		return t.json(d)
	}
	return t.text(d)
}

// treeFilter returns a function that reports whether the flags select a path.
func treeFilter(c *cli.Context, since int) (func(*stack.Difference) bool, error) {
	marks := c.String("mark")
	if strings.Trim(marks, "ACD") != "" {
		return nil, hint.New(fmt.Errorf("--mark %q: not of A, C and D", marks), "write as in --mark AC")
	}
	pattern := c.String("path")
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("--path %q: %w", pattern, err)
	}
	pattern = path.Clean("/" + pattern)
	return func(d *stack.Difference) bool {
		switch {
		case marks != "" && !strings.ContainsRune(marks, rune(d.Mark)):
			return false
		case c.Bool("only") && !d.Above(since):
			return false
		case pattern == "/":
			return true
		}
		p := d.Node.Path()
		matches, _ := path.Match(pattern, p)
		return matches || p == pattern || strings.HasPrefix(p, pattern+"/")
	}, nil
}

type treePrinter struct {
	depth   int
	removed map[string]stack.Change
	out     *tabwriter.Writer
}

func (t *treePrinter) text(d *stack.Difference) error {
	t.out = tabwriter.NewWriter(os.Stdout, 0, 1, 2, ' ', 0)
	fmt.Fprintln(t.out, "MARK\tMODE\tOWNER\tSIZE\tLAYER\tPATH")
	t.line(d, "/", "", "", 0)
	return t.out.Flush()
}

// line prints a path and those below it. Branch is drawn before its name, indent before
// those below.
func (t *treePrinter) line(d *stack.Difference, label, branch, indent string, depth int) {
	i, layer := d.Inode(), "-" // of a root that no layer has
	if d.Inode().Layer > 0 {
		layer = strconv.Itoa(i.Layer)
	}
	fmt.Fprintf(t.out, "%c\t%s\t%d:%d\t%s\t%s\t%s%s%s\n", d.Mark, i.Permissions(), i.UID, i.GID,
		humanSize(d.Node.Size()), layer, branch, label, t.note(d))
	if t.depth > 0 && depth >= t.depth {
		return
	}
	for n, c := range d.Below {
		if n == len(d.Below)-1 {
			t.line(c, printable.Line(c.Node.Name), indent+"└── ", indent+"    ", depth+1)
		} else {
			t.line(c, printable.Line(c.Node.Name), indent+"├── ", indent+"│   ", depth+1)
		}
	}
}

// note returns the target of a link or the numbers of a device, and how the path was
// changed or removed.
func (t *treePrinter) note(d *stack.Difference) (note string) {
	switch i := d.Inode(); i.Kind {
	case index.Symlink:
		note = " → " + printable.Line(i.Target)
	case index.Char, index.Block:
		note = fmt.Sprintf(" (%d:%d)", i.Major, i.Minor)
	}
	if d.Mark == stack.Changed {
		note += " [" + strings.Join(d.What.Names(), ", ") + "]"
	}
	if c, ok := t.removed[d.Node.Path()]; ok && d.Mark == stack.Deleted {
		note += fmt.Sprintf(" [layer %d: %s]", c.Layer, c.How.Reason(c.By))
	}
	return note
}

// treeRow is the JSON of a path.
type treeRow struct {
	Path name     `json:"path"`
	Mark string   `json:"mark"`
	What []string `json:"what,omitempty"`
	How  string   `json:"how,omitempty"` // it was removed
	By   name     `json:"by,omitempty"`
	*file
}

func (t *treePrinter) json(d *stack.Difference) error {
	rows := []treeRow{}
	d.Walk(func(d *stack.Difference) {
		p := d.Node.Path()
		if t.depth > 0 && p != "/" && strings.Count(p, "/") > t.depth {
			return
		}
		mark := strings.TrimSpace(string(rune(d.Mark)))
		row := treeRow{Path: name(p), Mark: mark, What: d.What.Names(), file: newFile(d.Inode())}
		if c, ok := t.removed[p]; ok && d.Mark == stack.Deleted {
			row.How, row.By = string(c.How), name(c.By.Path())
		}
		rows = append(rows, row)
	})
	return printJSON(rows)
}
