package inspect

// The changes of a container are the files in the upper directory of its overlay. Stacked
// on the layers of its image, as one more layer, they show what was added, changed and
// deleted.

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

// Change is a path that a container has added, changed or deleted.
type Change struct {
	Path string
	Mark stack.Mark
}

// Diff returns what a container, running or not, has changed in its root, sorted by path,
// by the rules of docker diff: a directory in which something changed has changed, and of
// a deleted directory only its own name is reported.
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
	// the changes of the topmost layer, which is the container's
	marks := make(map[string]stack.Mark)
	var deleted *stack.Node // the last deleted directory
	for _, c := range s.Changes {
		if c.Layer < len(layers) || c.Before == nil && c.After == nil || deleted != nil && c.Node.Under(deleted) {
			continue
		}
		if markChange(marks, c); c.Mark == stack.Deleted {
			deleted = c.Node
		}
	}
	var all []Change
	for path, mark := range marks {
		all = append(all, Change{path, mark})
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// markChange marks a changed path, and the directories above it as changed.
func markChange(marks map[string]stack.Mark, c stack.Change) {
	p := c.Node.Path()
	marks[p] = c.Mark
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if marks[dir] == 0 {
			marks[dir] = stack.Changed
		}
	}
}

// indexesOf returns the indexes of the layers of a container's root: the init layer, the
// image's layers, and the container's own.
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
		return nil, hint.New(err, "find the changed files with: ls "+filepath.Join(path, "upper"))
	}
	defer image.Close()
	initLayer, err := index.Upper(filepath.Join(store.Layers().Dir(), container.InitLayer))
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
	return append(append([]*index.Index{initLayer}, layers...), upper), nil
}
