package index

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
)

// Kind is the type of an entry: a letter of "find -printf %y" (find(1)), or one of
// three that only the tar of a layer has.
type Kind byte

const (
	File      Kind = 'f'
	Directory Kind = 'd'
	Symlink   Kind = 'l'
	Char      Kind = 'c'
	Block     Kind = 'b'
	FIFO      Kind = 'p'
	Hardlink  Kind = 'h' // another name of an earlier entry
	Whiteout  Kind = 'w' // the path is deleted
	Opaque    Kind = 'o' // the lower contents of the directory are hidden
)

// An Entry is one entry of the tar.
type Entry struct {
	Path     string // relative to the layer's root, which is ""
	Kind     Kind
	Mode     uint32 // permissions with setuid, setgid, sticky
	UID, GID uint32
	Size     int64 // of a file, in bytes, including holes
	Time     time.Time
	Target   string // of a symbolic or hard link
	Major    uint32 // of a device
	Minor    uint32
	Xattrs   map[string]string // all in the tar, also those that layers.Unpack drops
	Sum      [sha256.Size]byte // of a file's content; zeros if it is not known yet: see Digest

	contents *Contents // or nil
}

// An Index is the contents of a layer.
type Index struct {
	DiffID   digest.Digest // of the tar
	Blob     digest.Digest // of the layer as it was read
	BlobSize int64         // in bytes
	Size     int64         // of all files in bytes, as docker history counts
	Entries  []Entry
}

// Limits of an index, besides layers.DefaultLimits. Longer paths and names are
// refused by the kernel (path_resolution(7)).
const (
	maxText = 256 << 20 // bytes of paths, targets and xattrs in a layer
	maxPath = 4096
	maxName = 255
)

// Read reads a layer, compressed or not, to the end of r.
func Read(ctx context.Context, r io.Reader) (*Index, error) {
	count := &counter{r: r}
	t, err := layers.OpenTar(ctx, count, layers.DefaultLimits.Bytes)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	// list the entries
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
	// read the rest, for the digests
	x.Blob, x.DiffID, err = t.Digests()
	x.BlobSize = count.n
	return x, err
}

// Scan calls each for every entry of a layer, in the order of an index, without
// Sum. Body is the content of a file.
func Scan(ctx context.Context, r io.Reader, each func(e *Entry, body io.Reader) error) error {
	t, err := layers.OpenTar(ctx, r, layers.DefaultLimits.Bytes)
	if err != nil {
		return err
	}
	defer t.Close()
	return scan(t, each)
}

// scan calls each for every entry of an uncompressed layer.
func scan(r io.Reader, each func(e *Entry, body io.Reader) error) error {
	var limit limit
	for archive := layers.NewTarReader(r); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		// convert the header, and the content
		e, err := newEntry(h)
		if err == nil && e == nil {
			continue
		}
		if err == nil {
			err = limit.count(e)
		}
		if err == nil {
			err = each(e, archive)
		}
		if err != nil {
			return fmt.Errorf("read tar: entry %.300q: %w", h.Name, err)
		}
	}
}

// A limit counts what an index has against the limits.
type limit struct {
	entries, text int
	bytes         int64
}

func (l *limit) count(e *Entry) error {
	limits := layers.DefaultLimits
	l.entries, l.text = l.entries+1, l.text+e.text()
	if l.entries > limits.Entries || l.text > maxText || e.Size > limits.Bytes-l.bytes {
		return fmt.Errorf("layer exceeds %d entries, %d bytes of names or %d bytes of files",
			limits.Entries, maxText, limits.Bytes)
	}
	l.bytes += e.Size
	return nil
}

// newEntry converts a header. It returns nil for metadata.
func newEntry(h *tar.Header) (*Entry, error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil, nil
	}
	name, sign, err := layers.ParseHeader(h)
	if err != nil || sign == layers.Meta {
		return nil, err
	}
	if err := checkPath(name); err != nil {
		return nil, err
	}
	// what every entry has
	e := &Entry{Path: name, Mode: uint32(h.Mode) & 0o7777, Time: h.ModTime}
	if e.UID, e.GID, err = layers.Owner(h); err != nil {
		return nil, err
	}
	switch sign {
	case layers.Whiteout:
		e.Kind = Whiteout
		return e, nil
	case layers.Opaque:
		e.Kind = Opaque
		return e, nil
	}
	// what a file of any type has
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, layers.PAXXattr); ok {
			if e.Xattrs == nil {
				e.Xattrs = make(map[string]string)
			}
			e.Xattrs[name] = value
		}
	}
	return e, e.setKind(h)
}

// setKind sets the type and what depends on it.
func (e *Entry) setKind(h *tar.Header) (err error) {
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
		return fmt.Errorf("unknown entry type %q", h.Typeflag)
	}
	switch {
	case e.Path == "" && e.Kind != Directory:
		return errors.New("root of a layer is not a directory")
	case e.Kind == Symlink && (e.Target == "" || len(e.Target) >= maxPath):
		return fmt.Errorf("symbolic link to %.300q: not between 1 and %d bytes", e.Target, maxPath-1)
	}
	if e.Kind == Char || e.Kind == Block {
		e.Major, e.Minor, err = layers.Device(h)
	}
	return err
}

// checkPath returns an error for a path that the kernel would refuse.
func checkPath(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("path is longer than %d bytes", maxPath)
	}
	for name := range strings.SplitSeq(path, "/") {
		if len(name) > maxName {
			return fmt.Errorf("name is longer than %d bytes", maxName)
		}
	}
	return nil
}

// text returns the bytes of memory that the strings of an entry take.
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

// A counter counts the bytes that are read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
