package browse

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// maxShown is how much of a file is shown, in bytes.
const maxShown = 1 << 20

// describe returns what is known of an inode, and the content of a file.
func (i *Image) describe(ctx context.Context, path string, inode *stack.Inode) ([]string, error) {
	i.digests.Lock()
	lines := attributes(path, inode)
	i.digests.Unlock()
	if inode.Layer > 0 {
		lines = append(lines, fmt.Sprintf("layer   %d  %s", inode.Layer, oneLine(i.Layers[inode.Layer-1].Instruction)))
	}
	if inode.Kind != index.File {
		return lines, nil
	}
	data, err := i.read(ctx, inode)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", safe(path), err)
	}
	lines = append(append(lines, ""), contents(data)...)
	if inode.Size > maxShown {
		lines = append(lines, "", fmt.Sprintf("the first %s of %s", humanSize(maxShown), humanSize(inode.Size)))
	}
	return lines, nil
}

// read returns the first bytes of a file.
func (i *Image) read(ctx context.Context, inode *stack.Inode) (data []byte, err error) {
	layer, err := i.Open(inode.Layer)
	if err != nil {
		return nil, err
	}
	defer layer.Close()
	err = stack.ReadFiles(ctx, layer, []*stack.Inode{inode}, func(_ *stack.Inode, body io.Reader) (err error) {
		data, err = io.ReadAll(io.LimitReader(body, maxShown))
		return err
	})
	return data, err
}

// attributes returns the fields of an inode, one a line.
func attributes(path string, inode *stack.Inode) []string {
	lines := []string{
		"path    " + safe(path),
		fmt.Sprintf("mode    %s  %04o", inode.Permissions(), inode.Mode),
		fmt.Sprintf("owner   %d:%d", inode.UID, inode.GID),
	}
	if !inode.Implied {
		lines = append(lines, "time    "+inode.Entry.Time.UTC().Format(time.RFC3339))
	}
	switch inode.Kind {
	case index.File:
		lines = append(lines, fmt.Sprintf("size    %d bytes", inode.Size))
		if sum, known := inode.Digest(); known {
			lines = append(lines, "sha256  "+hex.EncodeToString(sum[:]))
		}
		if inode.Links > 1 {
			lines = append(lines, fmt.Sprintf("links   %d", inode.Links))
		}
	case index.Symlink:
		lines = append(lines, "target  "+safe(inode.Target))
	case index.Char, index.Block:
		lines = append(lines, fmt.Sprintf("device  %d:%d", inode.Major, inode.Minor))
	}
	for _, name := range slices.Sorted(maps.Keys(inode.Xattrs)) {
		lines = append(lines, "xattr   "+safe(name)+"="+safe(inode.Xattrs[name]))
	}
	return lines
}
