package stack

import (
	"cmp"
	"slices"
)

// Waste is what a layer has and the final tree does not show.
type Waste struct {
	Bytes int64 // in hidden files
	Files int   // hidden, without empty ones
}

// Waste returns the waste in each layer, lowest first, and the hidden files that are not
// empty, largest first.
func (s *Stack) Waste() (layers []Waste, files []Hidden) {
	layers = make([]Waste, s.layers)
	for _, h := range s.Hidden {
		if h.Size == 0 {
			continue
		}
		l := &layers[h.Inode.Layer-1]
		l.Bytes += h.Size
		l.Files++
		files = append(files, h)
	}
	slices.SortStableFunc(files, func(a, b Hidden) int { return cmp.Compare(b.Size, a.Size) })
	return layers, files
}
