// Package index says what a layer holds, without unpacking it.
//
// A layer's tar has no table of contents: to know what is in it, all of it has
// to be read and, mostly, decompressed. So it is read once, and what was seen
// is kept as an index: a line for each entry, in the tar's order, with all of
// its header and the SHA-256 of its content. An index is a text, a hundredth
// of its layer in size, and answers in the time it takes to read that.
//
// The rules:
//   - Memory grows with the number of names in a layer, never with what the
//     files hold, and both are bounded: see Limits.
//   - A name is any bytes but NUL and "/". It is kept as it is in the tar; who
//     prints it escapes it.
//   - An index says what the tar says. What that means for the layers below is
//     package stack's.
package index

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
	"time"

	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
)

// Kind is what an entry is, spelled as find(1) -printf %y spells it, with
// three kinds more that only a layer's tar has.
type Kind byte

const (
	File      Kind = 'f'
	Directory Kind = 'd'
	Symlink   Kind = 'l'
	Char      Kind = 'c'
	Block     Kind = 'b'
	FIFO      Kind = 'p'
	Hardlink  Kind = 'h' // another name of an entry before it
	Whiteout  Kind = 'w' // the path is gone
	Opaque    Kind = 'o' // all that was in the folder is gone
)

// Entry is one entry of the tar.
type Entry struct {
	Path     string // relative to the layer's root, which is ""
	Kind     Kind
	Mode     uint32 // permissions with setuid, setgid, sticky
	UID, GID uint32
	Size     int64 // of a file, in bytes, holes and all
	Time     time.Time
	Target   string // of a symbolic or hard link
	Major    uint32 // of a device
	Minor    uint32
	Xattrs   map[string]string // all in the tar, those minictr drops as well
	Sum      [sha256.Size]byte // of a file's content
}

// Index is all that a layer holds.
type Index struct {
	DiffID   digest.Digest // of the tar
	Blob     digest.Digest // of the bytes as they came
	BlobSize int64         // how many came
	Size     int64         // of all files, as docker history counts
	Entries  []Entry
}

// Caps on an index, besides those of layers.DefaultLimits. The kernel takes no
// longer paths and names (path_resolution(7)).
const (
	maxText = 256 << 20 // bytes of paths, targets and xattrs in a layer
	maxPath = 4096
	maxName = 255
)

// Read reads a layer, plain or compressed, to the very end of r.
func Read(ctx context.Context, r io.Reader) (*Index, error) {
	count := &counter{r: r}
	t, err := layers.OpenTar(ctx, count, layers.DefaultLimits.Bytes)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	x := new(Index)
	sum, buf := sha256.New(), make([]byte, 64<<10)
	err = scan(t, func(e *Entry, body io.Reader) error {
		if e.Kind == File {
			if err := digestOf(&e.Sum, sum, body, buf); err != nil {
				return err
			}
			x.Size += e.Size
		}
		x.Entries = append(x.Entries, *e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	x.Blob, x.DiffID, err = t.Digests()
	x.BlobSize = count.n
	return x, err
}

// Scan goes through a layer and hands out each entry, without Sum, in the
// order of an index. Body is the content of a file.
func Scan(ctx context.Context, r io.Reader, each func(e *Entry, body io.Reader) error) error {
	t, err := layers.OpenTar(ctx, r, layers.DefaultLimits.Bytes)
	if err != nil {
		return err
	}
	defer t.Close()
	return scan(t, each)
}

func scan(r io.Reader, each func(e *Entry, body io.Reader) error) error {
	limits, archive := layers.DefaultLimits, tar.NewReader(r)
	var entries, text int
	var bytes int64
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		e, err := newEntry(h)
		if err != nil {
			return fmt.Errorf("read tar: entry %.300q: %w", h.Name, err)
		}
		if e == nil {
			continue
		}
		entries, text = entries+1, text+e.text()
		if entries > limits.Entries || text > maxText || e.Size > limits.Bytes-bytes {
			return fmt.Errorf("layer has more than %d entries, %d bytes in their names, or %d bytes in its files", limits.Entries, maxText, limits.Bytes)
		}
		bytes += e.Size
		if err := each(e, archive); err != nil {
			return fmt.Errorf("read tar: entry %.300q: %w", h.Name, err)
		}
	}
}

// newEntry translates a header. It returns nil for one that is no entry.
func newEntry(h *tar.Header) (*Entry, error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil, nil
	}
	name, sign, err := layers.ParseName(h.Name)
	if err != nil || sign == layers.Meta {
		return nil, err
	}
	if err := checkPath(name); err != nil {
		return nil, err
	}
	e := &Entry{Path: name, Mode: uint32(h.Mode) & 0o7777, Time: h.ModTime}
	for _, id := range []int{h.Uid, h.Gid} {
		if id < 0 || int64(id) >= math.MaxUint32 {
			return nil, fmt.Errorf("owner %d:%d is not a 32-bit number", h.Uid, h.Gid)
		}
	}
	e.UID, e.GID = uint32(h.Uid), uint32(h.Gid)
	switch sign {
	case layers.Whiteout:
		e.Kind = Whiteout
		return e, nil
	case layers.Opaque:
		e.Kind = Opaque
		return e, nil
	}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			if e.Xattrs == nil {
				e.Xattrs = make(map[string]string)
			}
			e.Xattrs[name] = value
		}
	}
	return e, e.setKind(h)
}

func (e *Entry) setKind(h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		e.Kind, e.Size = File, h.Size
	case tar.TypeDir:
		e.Kind = Directory
	case tar.TypeSymlink:
		e.Kind, e.Target = Symlink, h.Linkname
	case tar.TypeLink:
		e.Kind, e.Target = Hardlink, h.Linkname
	case tar.TypeChar:
		e.Kind = Char
	case tar.TypeBlock:
		e.Kind = Block
	case tar.TypeFifo:
		e.Kind = FIFO
	default:
		return fmt.Errorf("unknown type of entry %q", h.Typeflag)
	}
	if e.Path == "" && e.Kind != Directory {
		return errors.New("the root of a layer is a folder")
	}
	if e.Kind == Char || e.Kind == Block {
		if uint64(h.Devmajor) > math.MaxUint32 || uint64(h.Devminor) > math.MaxUint32 {
			return fmt.Errorf("device %d:%d", h.Devmajor, h.Devminor)
		}
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	}
	return nil
}

// checkPath refuses what no kernel would make.
func checkPath(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("its path has more than %d bytes", maxPath)
	}
	for name := range strings.SplitSeq(path, "/") {
		if len(name) > maxName {
			return fmt.Errorf("a name has more than %d bytes", maxName)
		}
	}
	return nil
}

// text is how many bytes of memory an entry's strings take.
func (e *Entry) text() int {
	n := len(e.Path) + len(e.Target)
	for name, value := range e.Xattrs {
		n += len(name) + len(value)
	}
	return n
}

func digestOf(to *[sha256.Size]byte, sum hash.Hash, body io.Reader, buf []byte) error {
	sum.Reset()
	if _, err := io.CopyBuffer(sum, struct{ io.Reader }{body}, buf); err != nil {
		return err
	}
	sum.Sum(to[:0])
	return nil
}

// counter counts the bytes read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
