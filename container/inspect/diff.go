package inspect

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/opencontainers/go-digest"
)

// Change is a path that a container has changed.
type Change struct {
	Path string
	Mark stack.Mark
}

// Diff tells what a container, running or not, has changed in its root, sorted
// by path and as docker diff tells it: a folder in which something changed has
// changed too, and of a folder that is gone only its own name is told.
func Diff(ctx context.Context, root, name string) ([]Change, error) {
	c, err := container.Find(root, name)
	if err != nil {
		return nil, fmt.Errorf("diff %w", err)
	}
	layers, err := indexesOf(ctx, root, c.Dir)
	if err != nil {
		return nil, fmt.Errorf("diff container %q: %w", name, err)
	}
	s, err := stack.New(layers...)
	if err != nil {
		return nil, fmt.Errorf("diff container %q: %w", name, err)
	}
	marks := make(map[string]stack.Mark)
	var gone *stack.Node // the folder that was removed last
	for _, c := range s.Changes {
		if c.Layer < len(layers) || c.Before == nil && c.After == nil || gone != nil && c.Node.Under(gone) {
			continue
		}
		if markChange(marks, c); c.Mark == stack.Deleted {
			gone = c.Node
		}
	}
	var all []Change
	for path, mark := range marks {
		all = append(all, Change{path, mark})
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// markChange notes a change, and that the folders it is in have changed.
func markChange(marks map[string]stack.Mark, c stack.Change) {
	p := c.Node.Path()
	folder := path.Dir(p)
	marks[p] = c.Mark
	for ; folder != "/"; folder = path.Dir(folder) {
		if marks[folder] == 0 {
			marks[folder] = stack.Changed
		}
	}
}

// indexesOf are the indexes of all that a container's root is made of: the
// floor, its image's layers, and what it has changed.
func indexesOf(ctx context.Context, root, path string) ([]*index.Index, error) {
	manifest, err := os.ReadFile(filepath.Join(path, "image"))
	if err != nil {
		return nil, err
	}
	store, err := images.Open(root)
	if err != nil {
		return nil, err
	}
	image, err := store.ImageByManifest(digest.Digest(strings.TrimSpace(string(manifest))))
	if err != nil {
		return nil, hint.New(err, "what the container has changed lies in "+filepath.Join(path, "upper"))
	}
	defer image.Close()
	floor, err := index.Upper(filepath.Join(store.Layers().Dir(), container.InitLayer))
	if err != nil {
		return nil, err
	}
	layers, err := image.Indexes(ctx)
	if err != nil {
		return nil, err
	}
	upper, err := index.Upper(filepath.Join(path, "upper"))
	if err != nil {
		return nil, err
	}
	return append(append([]*index.Index{floor}, layers...), upper), nil
}
