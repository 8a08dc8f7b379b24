package main

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// file is the JSON of an inode.
type file struct {
	Type   string     `json:"type"`
	Mode   string     `json:"mode"` // octal
	UID    uint32     `json:"uid"`
	GID    uint32     `json:"gid"`
	Size   int64      `json:"size"`
	Time   *time.Time `json:"time,omitempty"` // of the last change; nil for a directory that the tar omits
	Target name       `json:"target,omitempty"`
	Device string     `json:"device,omitempty"`
	SHA256 string     `json:"sha256,omitempty"`
	Xattrs []xattr    `json:"xattrs,omitempty"`
	Layer  int        `json:"layer"`
}

type xattr struct {
	Name  name `json:"name"`
	Value name `json:"value"`
}

func newFile(i *stack.Inode) *file {
	if i == nil {
		return nil
	}
	f := &file{
		Type: kindName(i.Kind), Mode: fmt.Sprintf("%04o", i.Mode), UID: i.UID, GID: i.GID,
		Size: i.Size, Target: name(i.Target), Layer: i.Layer,
	}
	if !i.Implied {
		f.Time = &i.Entry.Time
	}
	if sum, known := i.Digest(); known {
		f.SHA256 = hex.EncodeToString(sum[:])
	}
	if i.Kind == index.Char || i.Kind == index.Block {
		f.Device = fmt.Sprintf("%d:%d", i.Major, i.Minor)
	}
	for _, key := range slices.Sorted(maps.Keys(i.Xattrs)) {
		f.Xattrs = append(f.Xattrs, xattr{name(key), name(i.Xattrs[key])})
	}
	return f
}

func (f *file) owner() string { return fmt.Sprintf("%d:%d", f.UID, f.GID) }

func kindName(k index.Kind) string {
	switch k {
	case index.Directory:
		return "folder"
	case index.Symlink:
		return "symlink"
	case index.Char:
		return "char"
	case index.Block:
		return "block"
	case index.FIFO:
		return "fifo"
	}
	return "file"
}
