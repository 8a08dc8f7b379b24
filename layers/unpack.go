package layers

// Unpacking a tar means to do what a stranger's list says, as root. The list
// may name "../../etc/shadow", make a symbolic link to / and then write
// through it, or chmod through a hard link. So no path of the list ever
// reaches the kernel as it stands:
//
//   - The folder an entry lies in is opened with openat2(2) below the layer's
//     root. RESOLVE_IN_ROOT makes that root the end of every ".." and the
//     start of every absolute link, as if chroot(2) had been called. A link
//     in the middle of a path is followed, because real images need it
//     (lib → usr/lib, then lib/x), and it cannot lead out.
//   - The entry is made by its last name, in that folder's descriptor, by
//     calls that fail on a name that is there: O_EXCL, mkdirat, mknodat,
//     symlinkat, linkat. None follows a link.
//   - Owner, mode, attributes and times are set on the descriptor.
//   - A name with ".." in it is refused. A name from the root (/etc) means
//     the layer's root.
//
// Of two entries of one name the later wins, two folders become one.

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
// have, and keep an archive bomb from filling memory or running for ever.
type Limits struct {
	Bytes   int64 // in the tar, and in its files with their holes
	Entries int
	Names   int // bytes in the paths of folders, which are kept in memory
}

// DefaultLimits are those of Unpack.
var DefaultLimits = Limits{Bytes: 64 << 30, Entries: 2 << 20, Names: 64 << 20}

// Unpacked is a layer that lies whole in a scratch folder, not yet visible.
type Unpacked struct {
	Blob   digest.Digest // of the bytes as they came
	DiffID digest.Digest // of the uncompressed tar
	Size   int64         // see Store.Size

	dir string
}

// Unpack reads a layer, plain or compressed, to the very end of r and unpacks
// it in dir, which must not exist. On an error, dir is the caller's to remove.
func Unpack(ctx context.Context, r io.Reader, dir string) (*Unpacked, error) {
	return unpack(ctx, r, dir, DefaultLimits)
}

func unpack(ctx context.Context, r io.Reader, dir string, max Limits) (*Unpacked, error) {
	s, err := newStream(ctx, r, max.Bytes)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	u, err := newUnpacker(dir, max)
	if err != nil {
		return nil, err
	}
	defer u.close()
	if err := u.entries(tar.NewReader(s)); err != nil {
		return nil, err
	}
	if err := u.setTimes(); err != nil {
		return nil, err
	}
	blob, diffID, err := s.digests()
	if err != nil {
		return nil, err
	}
	size := strconv.FormatInt(u.size, 10) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "size"), []byte(size), 0o600); err != nil {
		return nil, err
	}
	return &Unpacked{Blob: blob, DiffID: diffID, Size: u.size, dir: dir}, nil
}

type unpacker struct {
	max     Limits
	count   int   // of entries
	size    int64 // of all files
	names   int   // bytes in the paths of folders
	dirs    []dirTime
	buf     []byte
	resolve uint64       // of openat2(2)
	target  *Destination // nil for a layer

	root    int
	dirName string // the folder whose descriptor is here
	dirFD   int
}

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
	return &unpacker{max: max, root: root, dirFD: -1, resolve: inRoot, buf: make([]byte, chunkSize)}, nil
}

func (u *unpacker) close() {
	u.closeDir()
	unix.Close(u.root)
}

// leave forgets the folder at hand.
func (u *unpacker) closeDir() {
	if u.dirFD >= 0 {
		unix.Close(u.dirFD)
	}
	u.dirName, u.dirFD = "", -1
}

func (u *unpacker) entries(archive *tar.Reader) error {
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if err := u.account(h); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if u.target != nil {
			err = u.extractEntry(h, archive)
		} else {
			err = u.entry(h, archive)
		}
		if err != nil {
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

func (u *unpacker) entry(h *tar.Header, body io.Reader) error {
	name, err := clean(h.Name)
	switch {
	case err != nil:
		return err
	case name == "" && h.Typeflag != tar.TypeDir:
		return errors.New("the root of a layer is a folder")
	case name == "":
		return u.finishDir(u.root, "", h)
	case strings.HasPrefix(name, metaPrefix) && name != opaqueMark:
		return nil // aufs's own notes, at the top of layers made by old dockers
	}
	parent, base, err := u.parent(name)
	if err != nil {
		return err
	}
	if base == opaqueMark {
		return setOpaque(parent)
	}
	if hidden, ok := strings.CutPrefix(base, whiteoutPrefix); ok {
		return whiteout(parent, hidden)
	}
	return u.node(parent, base, name, h, body)
}

// clean makes a name of the tar relative to the layer's root: no empty parts,
// no ".", and never "..". The root itself is "".
func clean(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New(`".." in a name`)
		}
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

const (
	inRoot  = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	openDir = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
)

// parent is the folder that a name lies in, and the name's last part.
func (u *unpacker) parent(name string) (fd int, base string, err error) {
	dir, base := path.Split(name)
	fd, err = u.dir(strings.TrimSuffix(dir, "/"))
	return fd, base, err
}

// folder returns a descriptor of a folder, which stays open until the next
// call: most entries lie in the same folder as the one before.
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

// open opens a folder and makes it, and what leads to it, where the tar
// did not: 0755, root's, as docker does.
func (u *unpacker) open(name string) (int, error) {
	fd, err := u.lookup(name, 0)
	if err != unix.ENOENT && err != unix.ENOTDIR || name == "" {
		return fd, err
	}
	dir, base := path.Split(name)
	parent, err := u.open(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
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

// lookup opens a folder, for a layer as a process would that has it as its root.
// Where somebody renames or mounts at that moment, anywhere, the kernel cannot
// vouch for a ".." in a link, and wants to be asked again (openat2(2), EAGAIN).
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

// makeRoom takes a whiteout away from where a folder is to be made, and says
// whether there was one. Anything else in the way is an error.
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
