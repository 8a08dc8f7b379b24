package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/subject"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersWasteCommand = &cli.Command{
	Name:      "waste",
	Usage:     "measure the bytes of an image that its last layer hides",
	ArgsUsage: "IMAGE[@N]",
	Description: `A file that a later layer overwrites or removes is still in the image. The
efficiency is the part of the bytes of all files that is visible.`,
	Flags: []cli.Flag{
		jsonFlag,
		&cli.StringFlag{
			Name:  "threshold",
			Usage: "`EFFICIENCY` exit with 1 if the efficiency is less, as in 0.95 or 95%",
		},
		&cli.IntFlag{Name: "top", Usage: "`NUMBER` list only the largest files; 0 for all", Value: 20},
	},
	Action: layersWaste,
}

// hiddenRow is a file that a later layer hides.
type hiddenRow struct {
	Path     name   `json:"path"`
	Layer    int    `json:"layer"` // that has it
	HiddenBy int    `json:"hiddenBy"`
	How      string `json:"how"`
	By       name   `json:"by"` // whose whiteout, opaque mark or content hides it
	Ref      name   `json:"ref,omitempty"`
	*file
	CreatedBy string `json:"createdBy"` // of the layer that hides it

	reason string
}

func newHiddenRow(h stack.Hidden, s *subject.Image) hiddenRow {
	row := hiddenRow{
		Path: name(h.Node.Path()), Layer: h.Inode.Layer, HiddenBy: h.Layer, How: string(h.How),
		By: name(h.By.Path()), file: newFile(h.Inode), CreatedBy: s.Step(h.Layer), reason: h.How.Reason(h.By),
	}
	if h.Layer > h.Inode.Layer {
		row.Ref = name(fmt.Sprintf("%s@%d:%s", s.Word, h.Layer-1, h.Node.Path()))
	}
	return row
}

// wasteOf is the waste in one layer.
type wasteOf struct {
	Layer     int    `json:"layer"`
	Size      int64  `json:"size"`
	Wasted    int64  `json:"wasted"`
	Files     int    `json:"files"` // hidden
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
	threshold, err := parsePart(c.String("threshold"))
	if err != nil {
		return err
	}
	s, err := lookInto(c, c.Args().First())
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := s.Stack(1, s.N)
	if err != nil {
		return err
	}
	// Measure and print it.
	w := measureWaste(t, s)
	if c.Bool("json") {
		err = printJSON(w)
	} else {
		err = w.print(c.Int("top"))
	}
	if err != nil {
		return err
	}
	// Compare it with the threshold.
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
		return 0, hint.New(fmt.Errorf("--threshold %q: not from 0 to 1", text), "write as in --threshold 0.95")
	}
	return f, nil
}

func measureWaste(t *stack.Stack, s *subject.Image) *waste {
	w := &waste{
		Size: t.Total, Wasted: t.Total - t.Visible(), Efficiency: t.Efficiency(),
		Layers: []wasteOf{}, Files: []hiddenRow{},
	}
	perLayer, files := t.Waste()
	for i, x := range s.Indexes[:s.N] {
		w.Layers = append(w.Layers, wasteOf{
			Layer: i + 1, Size: x.Size, Wasted: perLayer[i].Bytes, Files: perLayer[i].Files, CreatedBy: s.Step(i + 1),
		})
	}
	for _, h := range files {
		w.Files = append(w.Files, newHiddenRow(h, s))
	}
	return w
}

func (w *waste) print(top int) error {
	// The layers.
	rows := [][]string{{"LAYER", "SIZE", "WASTED", "FILES", "CREATED BY"}}
	for _, l := range w.Layers {
		rows = append(rows, []string{
			strconv.Itoa(l.Layer), humanSize(l.Size), humanSize(l.Wasted), strconv.Itoa(l.Files),
			oneLine(l.CreatedBy, false),
		})
	}
	if err := table(rows); err != nil {
		return err
	}
	// The largest hidden files.
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
		fmt.Printf("… and %d more files: --top 0\n", len(w.Files)-len(files))
	}
	fmt.Printf("\nefficiency %.4f: %s of %s are hidden\n", w.Efficiency, humanSize(w.Wasted), humanSize(w.Size))
	return nil
}

func printHidden(files []hiddenRow) error {
	rows := [][]string{{"SIZE", "IN LAYER", "HIDDEN BY", "HOW", "PATH"}}
	for _, f := range files {
		rows = append(rows, []string{
			humanSize(f.Size), strconv.Itoa(f.Layer), strconv.Itoa(f.HiddenBy), f.reason, f.Path.String(),
		})
	}
	return table(rows)
}
