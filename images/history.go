package images

import (
	"context"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// A Step is one instruction that an image was built with. Some made a layer;
// others, such as ENV, only changed the config.
type Step struct {
	Layer     int // 0 for none, else from 1, the lowest
	CreatedBy string
	Comment   string
	Created   *time.Time
}

// Steps assigns the layers to the history of the config (image-spec, config.md,
// "history"), oldest step first. The history need not match the layers: a layer
// without a step gets one, and a step with a missing layer has none.
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

// Instruction returns the instruction of the Dockerfile, as far as it is known:
// without the shell that builders add.
func (s Step) Instruction() string {
	by := strings.TrimSuffix(s.CreatedBy, " # buildkit")
	if rest, ok := strings.CutPrefix(by, "/bin/sh -c #(nop)"); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(by, "RUN "), "/bin/sh -c "); ok {
		return "RUN " + rest
	}
	if by == "" {
		return s.Comment
	}
	return by
}

// A Measure has the digests of a layer and its sizes in bytes.
type Measure struct {
	DiffID, Blob         digest.Digest
	Compressed, Unpacked int64
}

// Measures returns a Measure for each layer, lowest first. It reads the layers of
// an archive; those of a loaded image are known.
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
