package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersWasteCommand = &cli.Command{
	Name:      "waste",
	Usage:     "count the bytes that an image carries but cannot show",
	UsageText: "minictr layers waste [--threshold EFFICIENCY] [--json] IMAGE[@N]",
	Description: "A file that a later layer has overwritten or removed is still in the image. The\n" +
		"efficiency is the part of all files' bytes that can be seen. With --threshold the\n" +
		"exit code is 1 if it is less.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "threshold", Usage: "the least `EFFICIENCY`, as 0.95 or 95%"},
		&cli.IntFlag{Name: "top", Usage: "print so many files, the largest; 0 prints all", Value: 20},
		jsonFlag,
	},
	Action:       layersWaste,
	OnUsageError: usage,
}

// hiddenRow is a file that cannot be seen any more.
type hiddenRow struct {
	Path     name   `json:"path"`
	Layer    int    `json:"layer"` // that it lies in
	HiddenBy int    `json:"hiddenBy"`
	How      string `json:"how"`
	By       name   `json:"by"` // whose whiteout, opaque mark or content hides it
	Ref      name   `json:"ref,omitempty"`
	*file
	CreatedBy string `json:"createdBy"` // by what it was hidden

	reason string
}

func newHiddenRow(h stack.Hidden, s *subject) hiddenRow {
	row := hiddenRow{
		Path: name(h.Node.Path()), Layer: h.Inode.Layer, HiddenBy: h.Layer, How: string(h.How), By: name(h.By.Path()),
		file: newFile(h.Inode), CreatedBy: s.step(h.Layer), reason: removedBy(h.How, h.By),
	}
	if h.Layer > h.Inode.Layer {
		row.Ref = name(fmt.Sprintf("%s@%d:%s", s.word, h.Layer-1, h.Node.Path()))
	}
	return row
}

// wasteOf is a layer's part.
type wasteOf struct {
	Layer     int    `json:"layer"`
	Size      int64  `json:"size"`
	Wasted    int64  `json:"wasted"`
	Files     int    `json:"files"` // that cannot be seen
	CreatedBy string `json:"createdBy"`
}

type waste struct {
	Size       int64       `json:"size"`
	Wasted     int64       `json:"wasted"`
	Efficiency float64     `json:"efficiency"`
	Layers     []wasteOf   `json:"layers"`
	Files      []hiddenRow `json:"files"` // largest first
}

func layersWaste(c *cli.Context) error {
	words, err := words(c, 1, "one IMAGE")
	if err != nil {
		return err
	}
	word := words[0]
	threshold, err := parsePart(c.String("threshold"))
	if err != nil {
		return err
	}
	s, err := lookInto(c, word)
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := s.stack(1, s.n)
	if err != nil {
		return err
	}
	w := measureWaste(t, s)
	if c.Bool("json") {
		err = printJSON(w)
	} else {
		err = w.print(c.Int("top"))
	}
	if err != nil {
		return err
	}
	if w.Efficiency < threshold {
		fmt.Fprintf(os.Stderr, "minictr: layers waste: efficiency %.6f is less than %.6f\n", w.Efficiency, threshold)
		return status(1)
	}
	return nil
}

// parsePart reads 0.95 or 95%.
func parsePart(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, hint.New(fmt.Errorf("--threshold %q: not a part of the whole", text), "write 0.95 or 95%")
	}
	return f, nil
}

func measureWaste(t *stack.Stack, s *subject) *waste {
	w := &waste{Size: t.Total, Wasted: t.Total - t.Visible(), Efficiency: t.Efficiency(), Layers: []wasteOf{}, Files: []hiddenRow{}}
	for i, x := range s.indexes[:s.n] {
		w.Layers = append(w.Layers, wasteOf{Layer: i + 1, Size: x.Size, CreatedBy: s.step(i + 1)})
	}
	for _, h := range t.Hidden {
		if h.Size == 0 {
			continue
		}
		l := &w.Layers[h.Inode.Layer-1]
		l.Wasted += h.Size
		l.Files++
		w.Files = append(w.Files, newHiddenRow(h, s))
	}
	slices.SortStableFunc(w.Files, func(a, b hiddenRow) int { return cmp.Compare(b.Size, a.Size) })
	return w
}

func (w *waste) print(top int) error {
	rows := [][]string{{"LAYER", "SIZE", "WASTED", "FILES", "CREATED BY"}}
	for _, l := range w.Layers {
		rows = append(rows, []string{strconv.Itoa(l.Layer), humanSize(l.Size), humanSize(l.Wasted), strconv.Itoa(l.Files), oneLine(l.CreatedBy, false)})
	}
	if err := table(rows); err != nil {
		return err
	}
	files := w.Files
	if top > 0 && len(files) > top {
		files = files[:top]
	}
	if len(files) > 0 {
		fmt.Println()
		if err := printHidden(files); err != nil {
			return err
		}
	}
	if len(files) < len(w.Files) {
		fmt.Printf("… and %d files more: --top 0\n", len(w.Files)-len(files))
	}
	fmt.Printf("\nefficiency %.4f: %s of %s cannot be seen\n", w.Efficiency, humanSize(w.Wasted), humanSize(w.Size))
	return nil
}

func printHidden(files []hiddenRow) error {
	rows := [][]string{{"SIZE", "IN LAYER", "HIDDEN BY", "HOW", "PATH"}}
	for _, f := range files {
		rows = append(rows, []string{humanSize(f.Size), strconv.Itoa(f.Layer), strconv.Itoa(f.HiddenBy), f.reason, f.Path.String()})
	}
	return table(rows)
}
