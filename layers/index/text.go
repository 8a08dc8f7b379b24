package index

// An index is a text file. The first line has the digests and sizes of the layer
// and the number of entries; a line for each follows, with fields separated by tabs:
//
//	f  644  0  0  12  1700000000.0  2cf24d…  "etc/motd"  ""
//	kind mode uid gid size time content path target [xattr=value]…
//
// Modes are octal, times in seconds.nanoseconds; the content is the SHA-256 of a
// file, or empty if it is not known yet; the target of a device is major:minor.
// Paths, targets and xattrs are quoted as Go strings, which can have any bytes. A
// truncated file does not parse.

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
)

const (
	headline   = "minictr-layer-index-1"
	headLength = len(headline) + 2*(1+71) + 3*(1+20) + 1 // bytes of the first line
)

// Write writes x as text.
func (x *Index) Write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 64<<10)
	w.WriteString(x.head(len(x.Entries)))
	var line []byte
	for i := range x.Entries {
		line = x.Entries[i].append(line[:0])
		w.Write(line)
	}
	return w.Flush()
}

// head returns the first line. Its length does not depend on the layer: a Writer writes
// it last.
func (x *Index) head(entries int) string {
	return fmt.Sprintf("%s\t%s\t%s\t%020d\t%020d\t%020d\n", headline, x.DiffID, x.Blob, x.BlobSize, x.Size, entries)
}

// append appends the line of an entry to b.
func (e *Entry) append(b []byte) []byte {
	b = append(b, byte(e.Kind), '\t')
	b = append(strconv.AppendUint(b, uint64(e.Mode), 8), '\t')
	b = append(strconv.AppendUint(b, uint64(e.UID), 10), '\t')
	b = append(strconv.AppendUint(b, uint64(e.GID), 10), '\t')
	b = append(strconv.AppendInt(b, e.Size, 10), '\t')
	b = append(strconv.AppendInt(b, e.Time.Unix(), 10), '.')
	b = append(strconv.AppendInt(b, int64(e.Time.Nanosecond()), 10), '\t')
	// only a file has a digest
	if e.Sum != unknown {
		b = hex.AppendEncode(b, e.Sum[:])
	}
	// strings
	b = append(strconv.AppendQuote(append(b, '\t'), e.Path), '\t')
	if e.Kind == Char || e.Kind == Block {
		b = strconv.AppendQuote(b, fmt.Sprintf("%d:%d", e.Major, e.Minor))
	} else {
		b = strconv.AppendQuote(b, e.Target)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		b = append(strconv.AppendQuote(append(b, '\t'), name), '=')
		b = strconv.AppendQuote(b, e.Xattrs[name])
	}
	return append(b, '\n')
}

var errCorrupt = errors.New("corrupt index")

// Parse parses the text of an index. A truncated or extended text is an error.
func Parse(from io.Reader) (*Index, error) {
	r := bufio.NewReaderSize(from, 64<<10)
	x, n, err := parseHead(r)
	if err != nil {
		return nil, err
	}
	x.Entries = make([]Entry, 0, min(n, 64<<10))
	text := 0
	// one line an entry
	for i := range n {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", errCorrupt, i+2, err)
		}
		e, err := parseEntry(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", errCorrupt, i+2, err)
		}
		if text += e.text(); text > maxText {
			return nil, fmt.Errorf("%w: line %d: too much text", errCorrupt, i+2)
		}
		x.Entries = append(x.Entries, *e)
	}
	// nothing may follow
	if _, err := r.ReadByte(); err != io.EOF {
		return nil, fmt.Errorf("%w: more than %d entries", errCorrupt, n)
	}
	return x, nil
}

// parseHead parses the first line. It returns the number of entries.
func parseHead(r *bufio.Reader) (*Index, int, error) {
	line, err := r.ReadString('\n')
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if err != nil || len(f) != 6 || f[0] != headline {
		return nil, 0, fmt.Errorf("%w: line 1", errCorrupt)
	}
	x := &Index{DiffID: digest.Digest(f[1]), Blob: digest.Digest(f[2])}
	var e1, e2, e3 error
	var n uint64
	x.BlobSize, e1 = strconv.ParseInt(f[3], 10, 64)
	x.Size, e2 = strconv.ParseInt(f[4], 10, 64)
	n, e3 = strconv.ParseUint(f[5], 10, 31)
	if err := errors.Join(x.DiffID.Validate(), x.Blob.Validate(), e1, e2, e3); err != nil {
		return nil, 0, fmt.Errorf("%w: line 1: %w", errCorrupt, err)
	}
	if int(n) > layers.DefaultLimits.Entries || x.Size < 0 || x.BlobSize < 0 {
		return nil, 0, fmt.Errorf("%w: line 1: numbers out of range", errCorrupt)
	}
	return x, int(n), nil
}

// fields parses the fields of a line, one after the other, and collects the
// errors.
type fields struct {
	rest string
	err  error
}

func (f *fields) next() string {
	field, rest, _ := strings.Cut(f.rest, "\t")
	f.rest = rest
	return field
}

func (f *fields) uint32(base int) uint32 {
	n, err := strconv.ParseUint(f.next(), base, 32)
	f.err = errors.Join(f.err, err)
	return uint32(n)
}

func (f *fields) int64(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	f.err = errors.Join(f.err, err)
	return n
}

func (f *fields) quoted(text string) string {
	s, err := strconv.Unquote(text)
	f.err = errors.Join(f.err, err)
	return s
}

// parseEntry parses the line of an entry.
func parseEntry(line string) (*Entry, error) {
	f := &fields{rest: line}
	kind := f.next()
	if len(kind) != 1 || !strings.Contains("fdlcbphwo", kind) {
		return nil, fmt.Errorf("unknown kind %.10q", kind)
	}
	// numbers
	e := &Entry{Kind: Kind(kind[0])}
	e.Mode, e.UID, e.GID = f.uint32(8), f.uint32(10), f.uint32(10)
	e.Size = f.int64(f.next())
	seconds, nanos, _ := strings.Cut(f.next(), ".")
	e.Time = time.Unix(f.int64(seconds), f.int64(nanos))
	// the digest of a file
	sum := f.next()
	n, err := hex.Decode(e.Sum[:], []byte(sum[:min(len(sum), 2*len(e.Sum))]))
	if err != nil || n != 0 && (e.Kind != File || n != len(e.Sum)) {
		f.err = errors.Join(f.err, errors.New("not the digest of a file"))
	}
	// strings
	e.Path = f.quoted(f.next())
	e.Target = f.quoted(f.next())
	if e.Kind == Char || e.Kind == Block {
		major, minor, _ := strings.Cut(e.Target, ":")
		e.Major, e.Minor, e.Target = uint32(f.int64(major)), uint32(f.int64(minor)), ""
	}
	for f.rest != "" && f.err == nil {
		f.xattr(e)
	}
	if f.err == nil {
		f.err = checkPath(e.Path)
	}
	return e, f.err
}

// xattr parses an extended attribute.
func (f *fields) xattr(e *Entry) {
	field := f.next()
	name, err := strconv.QuotedPrefix(field)
	if err != nil || !strings.HasPrefix(field[len(name):], "=") {
		f.err = errors.Join(f.err, fmt.Errorf("xattr %.20q", field))
		return
	}
	if e.Xattrs == nil {
		e.Xattrs = make(map[string]string)
	}
	e.Xattrs[f.quoted(name)] = f.quoted(field[len(name)+1:])
}
