package images

import (
	"context"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// A Step is one instruction of those that an image was built with. Some made a
// layer, others, such as ENV, only changed the config.
type Step struct {
	Layer     int // 0 for none, else from 1, the lowest
	CreatedBy string
	Comment   string
	Created   *time.Time
}

// Steps joins what the config tells of the image's history with the layers,
// first step first. The history is a story that the builder tells; the layers
// are there. Layers of which it says nothing get steps of their own, and a
// step that claims a layer which is not there has none.
func (src *Source) Steps() (steps []Step) {
	layer := 0
	for _, h := range src.Config.History {
		s := Step{CreatedBy: h.CreatedBy, Comment: h.Comment, Created: h.Created}
		if !h.EmptyLayer && layer < len(src.Layers) {
			layer++
			s.Layer = layer
		}
		steps = append(steps, s)
	}
	for layer < len(src.Layers) {
		layer++
		steps = append(steps, Step{Layer: layer})
	}
	return steps
}

// Instruction is what was written in the Dockerfile, as far as it is known:
// the shell that builders put around it is taken away.
func (s Step) Instruction() string {
	by := strings.TrimSuffix(s.CreatedBy, " # buildkit")
	if rest, ok := strings.CutPrefix(by, "/bin/sh -c #(nop)"); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(by, "RUN /bin/sh -c "); ok {
		return "RUN " + rest
	}
	if rest, ok := strings.CutPrefix(by, "/bin/sh -c "); ok {
		return "RUN " + rest
	}
	if by == "" {
		return s.Comment
	}
	return by
}

// Measure is a layer's digest and sizes in bytes.
type Measure struct {
	DiffID, Blob         digest.Digest
	Compressed, Unpacked int64
}

// Measures are known of a loaded image; layers of an archive are read.
func (src *Source) Measures(ctx context.Context) ([]Measure, error) {
	var all []Measure
	for _, l := range src.Layers {
		if l.Blob != "" && l.unpacked >= 0 {
			all = append(all, Measure{l.DiffID, l.Blob, l.Size, l.unpacked})
		}
	}
	if len(all) == len(src.Layers) {
		return all, nil
	}
	indexes, err := src.Indexes(ctx)
	if err != nil {
		return nil, err
	}
	all = nil
	for _, x := range indexes {
		all = append(all, Measure{x.DiffID, x.Blob, x.BlobSize, x.Size})
	}
	return all, nil
}
