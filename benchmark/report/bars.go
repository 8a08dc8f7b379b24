package report

import (
	"fmt"

	"github.com/minictr/minictr/benchmark"
)

// Bar is a start, cut into its phases. Each has the full width, whatever it
// took: the parts are compared, not the whole.
type Bar struct {
	ID, Name, Class, Total string
	Pieces                 []Piece
}

type Piece struct {
	Name, Took   string
	X, Wide      string
	Shade        string // opacity
	Title, Share string
}

// shades that can be told apart, in turn.
func shades() []string { return []string{"1", ".55", ".8", ".35", ".65", ".25", ".45"} }

// bar takes the median of each phase.
func bar(id, name, class string, phases []benchmark.Phase) Bar {
	var total float64
	for _, p := range phases {
		total += float64(p.Took)
	}
	b := Bar{ID: id, Name: name, Class: class, Total: span(total)}
	at := 0.0
	for i, p := range phases {
		part := float64(p.Took) / total
		b.Pieces = append(b.Pieces, Piece{
			Name: p.Name, Took: span(float64(p.Took)), Share: share(part),
			X: percent(at * 100), Wide: percent(part * 100),
			Shade: shades()[i%len(shades())],
			Title: fmt.Sprintf("%s, %s: %s, %s", name, p.Name, span(float64(p.Took)), share(part)),
		})
		at += part
	}
	return b
}
