package layers

// Unpacking a tar executes an untrusted list of operations as root. The list
// may name "../../etc/shadow", make a symbolic link to / and then write
// through it, or chmod through a hard link. So no path of the list reaches the
// kernel unchanged:
//
//   - The parent directory of an entry is opened with openat2(2) below the
//     root of the layer. RESOLVE_IN_ROOT resolves every ".." and every absolute
//     link within that root, as if chroot(2) had been called. A link in the
//     middle of a path is followed, because real images need it (lib →
//     usr/lib, then lib/x), and cannot lead out.
//   - The entry is made under its last name, relative to the descriptor of its
//     parent, by calls that fail if the name exists and follow no link: O_EXCL,
//     mkdirat, mknodat, symlinkat, linkat.
//   - Owner, mode, attributes and times are set through the descriptor.
//   - A name is taken as written, without regard to links: a/../b is b, as docker
//     has it. One that begins outside, as ../a, is refused. An absolute name
//     (/etc) is relative to the root of the layer.
//
// Of two entries of one name the later wins; two directories are merged.

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Limits bound what one layer may hold. They are far above what real images
// have, and stop an archive bomb.
type Limits struct {
	Bytes   int64 // in the tar, and in its files including holes
	Entries int
	Names   int // bytes in the paths of directories, which stay in memory
}

// DefaultLimits are the limits of Unpack.
var DefaultLimits = Limits{Bytes: 64 << 30, Entries: 2 << 20, Names: 64 << 20}

// Unpacked is a complete layer in a scratch directory, before Store.Commit.
type Unpacked struct {
	Blob        digest.Digest // of the bytes that were read
	BlobSize    int64         // in bytes
	Compression Compression   // of the blob
	DiffID      digest.Digest // of the uncompressed tar
	Size        int64         // see Store.Size

	dir string
}

// Unpack unpacks a layer, compressed or not, into dir, which must not exist, and
// reads r to its end. After an error the caller removes dir.
func Unpack(ctx context.Context, r io.Reader, dir string) (*Unpacked, error) {
	return unpack(ctx, r, dir, DefaultLimits, nil)
}

// UnpackAndList is Unpack, and calls list for each entry before it is unpacked.
func UnpackAndList(ctx context.Context, r io.Reader, dir string, list func(*tar.Header)) (*Unpacked, error) {
	return unpack(ctx, r, dir, DefaultLimits, list)
}

// unpack is UnpackAndList with other limits. List may be nil.
func unpack(ctx context.Context, r io.Reader, dir string, max Limits, list func(*tar.Header)) (*Unpacked, error) {
	layer, err := OpenTar(ctx, r, max.Bytes)
	if err != nil {
		return nil, err
	}
	defer layer.Close()
	// make the tree
	u, err := newUnpacker(dir, max)
	if err != nil {
		return nil, err
	}
	defer u.close()
	u.list = list
	if err := u.entries(NewTarReader(layer)); err != nil {
		return nil, err
	}
	if err := errors.Join(u.removePseudolinks(), u.setTimes()); err != nil {
		return nil, err
	}
	blob, diffID, err := layer.Digests()
	if err != nil {
		return nil, err
	}
	// record its size
	size := strconv.FormatInt(u.size, 10) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "size"), []byte(size), 0o600); err != nil {
		return nil, err
	}
	return &Unpacked{blob, layer.raw.n, layer.compression, diffID, u.size, dir}, nil
}

// An unpacker unpacks one tar.
type unpacker struct {
	max     Limits
	count   int   // of entries
	size    int64 // of all files, in bytes
	names   int   // bytes in the paths of directories
	dirs    []dirTime
	buf     []byte
	resolve uint64            // of openat2(2)
	target  *Destination      // nil for a layer
	list    func(*tar.Header) // or nil
	scratch string            // the directory of the layer
	pseudo  int               // descriptor of the directory of pseudolinks, or -1: see aufs.go

	root    int    // descriptor of the root of the tree
	dirName string // the cached directory
	dirFD   int    // its descriptor, or -1
}

// newUnpacker makes dir and the root of the tree.
func newUnpacker(dir string, max Limits) (*unpacker, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	top := filepath.Join(dir, "diff")
	if err := os.Mkdir(top, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(top, 0o755); err != nil {
		return nil, err
	}
	root, err := unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", top, err)
	}
	return &unpacker{
		scratch: dir, max: max, root: root, dirFD: -1, pseudo: -1, resolve: inRoot, buf: make([]byte, chunkSize),
	}, nil
}

func (u *unpacker) close() {
	u.closeDir()
	if u.pseudo >= 0 {
		unix.Close(u.pseudo)
	}
	unix.Close(u.root)
}

// closeDir closes the cached directory.
func (u *unpacker) closeDir() {
	if u.dirFD >= 0 {
		unix.Close(u.dirFD)
	}
	u.dirName, u.dirFD = "", -1
}

// entries unpacks the entries of a tar.
func (u *unpacker) entries(archive *TarReader) error {
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		// count it against the limits, and unpack it
		if err := u.account(h); err != nil {
			return err
		}
		if u.list != nil {
			u.list(h)
		}
		unpack := u.entry
		switch {
		case h.Typeflag == tar.TypeXGlobalHeader:
			continue
		case u.target != nil:
			unpack = u.extractEntry
		}
		if err := unpack(h, archive); err != nil {
			return fmt.Errorf("unpack %q: %w", h.Name, err)
		}
	}
}

// account counts the entry against the limits.
func (u *unpacker) account(h *tar.Header) error {
	u.count++
	if u.count > u.max.Entries {
		return fmt.Errorf("layer has more than %d entries", u.max.Entries)
	}
	if h.Size > u.max.Bytes-u.size {
		return errTooLarge
	}
	return nil
}

// entry unpacks an entry of a layer.
func (u *unpacker) entry(h *tar.Header, body io.Reader) error {
	name, marker, err := ParseHeader(h)
	switch {
	case err != nil:
		return err
	case marker == Meta:
		return nil
	case marker == Pseudolink:
		return u.pseudolink(name, h, body)
	case marker == Opaque:
		dir, err := u.dir(name)
		if err != nil {
			return err
		}
		return setOpaque(dir)
	case name == "" && h.Typeflag != tar.TypeDir:
		return errors.New("root of a layer is not a directory")
	case name == "":
		return u.finishDir(u.root, "", h)
	}
	parent, base, err := u.parent(name)
	if err != nil {
		return err
	}
	if marker == Whiteout {
		return whiteout(parent, base)
	}
	return u.node(parent, base, name, h, body)
}

// Clean returns a name of the tar relative to the root of the layer, without
// empty components, "." and "..". The root itself is "". A name outside is an
// error.
func Clean(name string) (string, error) {
	name = path.Clean(name)
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", errors.New(`name begins with ".."`)
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

const (
	inRoot  = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	openDir = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
)

// parent opens the parent directory of a name, and returns its last component.
func (u *unpacker) parent(name string) (fd int, base string, err error) {
	dir, base := path.Split(name)
	fd, err = u.dir(strings.TrimSuffix(dir, "/"))
	return fd, base, err
}

// dir returns a descriptor of a directory, which stays open until the next
// call: most entries have the same parent as the one before.
func (u *unpacker) dir(name string) (int, error) {
	if u.dirFD >= 0 && u.dirName == name {
		return u.dirFD, nil
	}
	fd, err := u.open(name)
	if err != nil {
		return -1, err
	}
	u.closeDir()
	u.dirName, u.dirFD = name, fd
	return fd, nil
}

// open opens a directory. If the tar has no entry for it or its parents, it makes
// them with mode 0755 and owner root, as docker does.
func (u *unpacker) open(name string) (int, error) {
	fd, err := u.lookup(name, 0)
	if err != unix.ENOENT && err != unix.ENOTDIR || name == "" {
		return fd, err
	}
	// open or make the parent
	dir, base := path.Split(name)
	parent, err := u.open(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	// make the directory in it
	hid, err := u.makeRoom(parent, base)
	if err != nil {
		return -1, fmt.Errorf("parent %q: %w", name, err)
	}
	fd, err = makeDir(parent, base)
	switch {
	case err != nil:
		return -1, err
	case u.target != nil:
		err = u.implied(fd, name)
	case hid:
		err = setOpaque(fd)
	}
	return fd, err
}

// lookup opens a directory; in a layer, as a process would whose root is the
// layer. After any rename or mount on the system the kernel cannot ensure that
// a ".." in a link stays within the root: it asks to retry (openat2(2), EAGAIN).
func (u *unpacker) lookup(name string, flags uint64) (fd int, err error) {
	if name == "" {
		name = "."
	}
	how := unix.OpenHow{Flags: openDir | flags, Resolve: u.resolve}
	for {
		if fd, err = unix.Openat2(u.root, name, &how); err != unix.EAGAIN {
			return fd, err
		}
	}
}

// makeRoom removes a whiteout of the name that a directory will get, and
// reports whether there was one. Any other file of that name is an error.
func (u *unpacker) makeRoom(parent int, base string) (hid bool, err error) {
	st, err := lstat(parent, base)
	switch {
	case err == unix.ENOENT:
		return false, nil
	case err != nil:
		return false, err
	case u.target != nil || !isWhiteout(st):
		return false, unix.ENOTDIR
	}
	return true, unlink(parent, base, 0)
}
