package layers

// A tar can be extracted into an existing directory that may be in use, as
// "minictr cp" does. Entries are made by the same calls as in a layer, each by
// its last name, relative to the descriptor of its parent. What differs:
//
//   - It is no layer: ".wh.name" is a file like any other.
//   - A file, link or device replaces another. A directory never replaces
//     another kind of file, nor another kind of file a directory.
//   - The caller decides who owns an entry, and whether it is made at all.
//   - Other processes change the tree. A name never stands for the file that
//     was made under it.

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

// ExtractInto extracts a tar, compressed or not, into d and reads r to its end.
// After an error, the entries that were extracted before it stay.
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
	if err := u.entries(NewTarReader(tail)); err != nil {
		return err
	}
	if err := u.setTimes(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, tail) // else the writer of a pipe gets SIGPIPE
	return err
}

// extractEntry makes an entry, unless it is the destination itself.
func (u *unpacker) extractEntry(h *tar.Header, body io.Reader) error {
	name, err := Clean(h.Name)
	switch {
	case err != nil:
		return err
	case name == "" && h.Typeflag != tar.TypeDir:
		return errors.New("entry without a name is not a directory")
	case name == "":
		return nil
	}
	// the caller's filter
	use, err := u.target.Filter(h)
	if err != nil || !use {
		return err
	}
	// openat2(2) fails with EXDEV if RESOLVE_BENEATH forbids the path
	parent, base, err := u.parent(name)
	if errors.Is(err, unix.EXDEV) {
		err = hint.New(errors.New("symbolic link leads outside the destination"), "extract at / with full paths")
	}
	if err != nil {
		return err
	}
	return u.node(parent, base, name, h, body)
}

// implied sets owner and mode of a directory that the tar has no entry for.
func (u *unpacker) implied(fd int, name string) error {
	h := &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}
	if _, err := u.target.Filter(h); err != nil {
		return err
	}
	return u.finish(fd, h)
}

// displace removes the file that an entry replaces.
func displace(parent int, base string, byDir bool) error {
	st, err := lstat(parent, base)
	if err != nil {
		return err
	}
	switch isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR; {
	case isDir && !byDir:
		return errors.New("cannot overwrite a directory with a non-directory")
	case !isDir && byDir:
		return errors.New("cannot overwrite a non-directory with a directory")
	}
	err = unlink(parent, base, 0)
	if errors.Is(err, unix.EBUSY) {
		err = hint.New(fmt.Errorf("mount point: %w", err), "write to it with: minictr exec CONTAINER COMMAND")
	}
	return err
}
