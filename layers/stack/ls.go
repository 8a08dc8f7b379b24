package stack

import (
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/layers/index"
)

// Permissions returns the type and the mode as ls(1) shows them: drwxr-xr-x.
func (i *Inode) Permissions() string {
	b := []byte("?rwxrwxrwx")
	b[0] = map[index.Kind]byte{
		index.File: '-', index.Directory: 'd', index.Symlink: 'l', index.Char: 'c', index.Block: 'b', index.FIFO: 'p',
	}[i.Kind]
	for bit := range 9 {
		if i.Mode&(1<<bit) == 0 {
			b[9-bit] = '-'
		}
	}
	for bit, letters := range []string{"tT", "sS", "sS"} { // sticky, setgid, setuid
		if at := 9 - 3*bit; i.Mode&(0o1000<<bit) != 0 {
			if b[at] == 'x' {
				b[at] = letters[0]
			} else {
				b[at] = letters[1]
			}
		}
	}
	return string(b)
}

// Reason describes how a path was hidden by the node by. Control characters are escaped.
func (h How) Reason(by *Node) string {
	path := printable.Line(by.Path())
	switch h {
	case Whiteout:
		return "whiteout of " + path
	case Opaque:
		return "opaque directory " + path
	case Replaced:
		return "directory replaced by " + path
	}
	return "overwritten"
}
