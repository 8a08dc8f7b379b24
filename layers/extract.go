package layers

// Unpacking a tar onto a tree that is there already and may be in use, as
// `minictr cp` does. The entries are made by the same calls as a layer's, each
// by its last name in a folder's descriptor. What differs:
//
//   - It is no layer: ".wh.name" is a file like any other.
//   - A file, link or device takes the place of another. A folder never takes
//     the place of anything else, nor anything else that of a folder.
//   - Whose an entry is, and whether it is made at all, the caller decides.
//   - Others are at work in the tree. A name is never believed to be still
//     what was made under it.

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// A Destination is an existing directory that ExtractInto extracts into.
type Destination struct {
	Dir     int    // its descriptor; O_PATH will do
	Resolve uint64 // how names are resolved below Dir: RESOLVE_… of openat2(2)

	// Filter is called for each entry before it is made, and for each directory
	// that the tar leaves out. It may change owner, mode and PAX records; if it
	// returns false, the entry is not made.
	Filter func(*tar.Header) (use bool, err error)

	// Skipped is called for each attribute that the filesystem cannot store.
	Skipped func(name string, why error)
}

// ExtractInto extracts a tar, plain, gzip or zstd, into d and reads r to its
// end. After an error, the entries that were extracted before it stay.
func ExtractInto(r io.Reader, d Destination) error {
	plain, _, err := Decompress(r)
	if err != nil {
		return err
	}
	defer plain.Close()
	u := &unpacker{
		max:  Limits{Bytes: math.MaxInt64, Entries: math.MaxInt, Names: DefaultLimits.Names},
		root: d.Dir, dirFD: -1, resolve: d.Resolve, target: &d, buf: make([]byte, chunkSize),
	}
	defer u.closeDir()
	tail := bufio.NewReaderSize(plain, chunkSize)
	if err := u.entries(tar.NewReader(tail)); err != nil {
		return err
	}
	if err := u.setTimes(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, tail) // else the writer of a pipe gets SIGPIPE
	return err
}

// extractEntry makes an entry, unless it is the folder that all is unpacked onto.
func (u *unpacker) extractEntry(h *tar.Header, body io.Reader) error {
	name, err := clean(h.Name)
	switch {
	case err != nil:
		return err
	case name == "" && h.Typeflag != tar.TypeDir:
		return errors.New("an entry without a name is no folder")
	case name == "":
		return nil
	}
	use, err := u.target.Filter(h)
	if err != nil || !use {
		return err
	}
	parent, base, err := u.parent(name)
	if errors.Is(err, unix.EXDEV) {
		err = hint.New(errors.New("a link on the way leads out of the destination"), "unpack it at / with whole paths")
	}
	if err != nil {
		return err
	}
	return u.node(parent, base, name, h, body)
}

// implied gives a folder that the tar leaves out the owner that Each says.
func (u *unpacker) implied(fd int, name string) error {
	h := &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}
	if _, err := u.target.Filter(h); err != nil {
		return err
	}
	return u.finish(fd, h)
}

// displace takes away what is to be replaced.
func displace(parent int, base string, byFolder bool) error {
	st, err := lstat(parent, base)
	if err != nil {
		return err
	}
	switch isFolder := st.Mode&unix.S_IFMT == unix.S_IFDIR; {
	case isFolder && !byFolder:
		return errors.New("a folder is there, and only a folder may be put onto it")
	case !isFolder && byFolder:
		return errors.New("what is there is no folder, and no folder may be put onto it")
	}
	err = unlink(parent, base, 0)
	if errors.Is(err, unix.EBUSY) {
		err = hint.New(fmt.Errorf("it is a mount of its own: %w", err), "write into it from inside of the container")
	}
	return err
}
