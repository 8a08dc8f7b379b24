package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

// Flags of several commands.
var (
	jsonFlag  = &cli.BoolFlag{Name: "json", Usage: "print JSON"}
	wholeFlag = &cli.BoolFlag{Name: "no-trunc", Usage: "print full digests and instructions"}
)

// subject is an image to be shown, up to layer n.
type subject struct {
	*images.Source
	word    string // the argument without @N
	n       int
	indexes []*index.Index
	steps   []string // the instruction of each layer
}

// lookAt opens IMAGE[@N] without reading its indexes. The caller closes it.
func lookAt(c *cli.Context, word string) (*subject, error) {
	image, n, err := splitLayer(word)
	if err != nil {
		return nil, err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "minictr", "layers")
	}
	src, err := store.OpenReadOnly(c.Context, image, cache)
	if err != nil {
		return nil, err
	}
	// The instruction of each layer.
	s := &subject{Source: src, word: image, n: n, steps: make([]string, len(src.Layers))}
	for _, step := range src.Steps() {
		if step.Layer > 0 {
			s.steps[step.Layer-1] = step.Instruction()
		}
	}
	// The layers up to n, or all.
	if n > len(src.Layers) {
		src.Close()
		return nil, hint.New(fmt.Errorf("%q: image has %d layers", word, len(src.Layers)), "minictr layers ls "+image)
	}
	if n == 0 {
		s.n = len(src.Layers)
	}
	return s, nil
}

// lookInto is lookAt, and reads all indexes.
func lookInto(c *cli.Context, word string) (*subject, error) {
	s, err := lookAt(c, word)
	if err != nil {
		return nil, err
	}
	if s.indexes, err = s.Indexes(c.Context); err != nil {
		s.Close()
		return nil, fmt.Errorf("read image %s: %w", s.word, err)
	}
	return s, nil
}

// stack returns the stack of the layers from and to, which count from 1.
func (s *subject) stack(from, to int) (*stack.Stack, error) {
	t, err := stack.New(s.indexes[from-1 : to]...)
	if err != nil {
		err = fmt.Errorf("stack layers of %s: %w", s.word, err)
	}
	return t, err
}

func (s *subject) open(layer int) (io.ReadCloser, error) { return s.Layers[layer-1].Open() }

func (s *subject) step(layer int) string { return s.steps[layer-1] }
