// Package subject opens what commands show layers of: IMAGE[@N], an image up to its
// layer N.
package subject

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// An Image is an image of which the layers 1 to N are shown. Close it after use.
type Image struct {
	*images.Source
	Word    string // the argument without @N
	N       int
	Indexes []*index.Index // of all layers, lowest first; nil after Open

	steps []string // the instruction of each layer
}

// Open opens IMAGE[@N] without reading its indexes. Root is the directory of the store.
func Open(ctx context.Context, root, word string) (*Image, error) {
	image, n, err := split(word)
	if err != nil {
		return nil, err
	}
	store, err := images.Open(root)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		cache = filepath.Join(cache, "minictr", "layers")
	}
	src, err := store.OpenReadOnly(ctx, image, cache)
	if err != nil {
		return nil, err
	}
	// The instruction of each layer.
	s := &Image{Source: src, Word: image, N: n, steps: make([]string, len(src.Layers))}
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
		s.N = len(src.Layers)
	}
	return s, nil
}

// split splits IMAGE@N. Without @N, n is 0.
func split(word string) (image string, n int, err error) {
	at := strings.LastIndexByte(word, '@')
	if at < 0 || strings.Trim(word[at+1:], "0123456789") != "" {
		return word, 0, nil
	}
	n, err = strconv.Atoi(word[at+1:])
	if err != nil || n < 1 {
		return "", 0, hint.New(fmt.Errorf("%q: layers count from 1", word), "minictr layers ls IMAGE")
	}
	return word[:at], n, nil
}

// Read is Open, and reads all indexes.
func Read(ctx context.Context, root, word string) (*Image, error) {
	s, err := Open(ctx, root, word)
	if err != nil {
		return nil, err
	}
	if s.Indexes, err = s.Source.Indexes(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("read image %s: %w", s.Word, err)
	}
	return s, nil
}

// Stack returns the stack of the layers from and to, which count from 1.
func (s *Image) Stack(from, to int) (*stack.Stack, error) {
	t, err := stack.New(s.Indexes[from-1 : to]...)
	if err != nil {
		err = fmt.Errorf("stack layers of %s: %w", s.Word, err)
	}
	return t, err
}

// Blob opens the blob of a layer: a stack.Opener.
func (s *Image) Blob(layer int) (io.ReadCloser, error) { return s.Layers[layer-1].Open() }

// Step returns the instruction of a layer.
func (s *Image) Step(layer int) string { return s.steps[layer-1] }
