package cp

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// Tree is where paths are looked up: a container's root, or the host's.
type Tree struct {
	fd         int    // of the folder that paths begin at
	resolve    uint64 // of openat2(2)
	container  bool
	uids, gids []IDs
}

// Host is the caller's own tree: paths mean what they mean to any command.
func Host() *Tree { return &Tree{fd: unix.AT_FDCWD} }

// Container is a tree below the folder root, a descriptor that stays the
// caller's; O_PATH will do. Without ids, those of the container are the host's.
func Container(root int, uids, gids []IDs) *Tree {
	return &Tree{root, unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS, true, uids, gids}
}

// open looks a path up. While somebody renames or mounts, the kernel cannot
// vouch for a "..", and wants to be asked again (EAGAIN).
func (t *Tree) open(name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: t.resolve}
	for {
		fd, err := unix.Openat2(t.fd, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
}

func (t *Tree) wrap(operation, name string, err error) error {
	if t.container {
		return fmt.Errorf("%s %q in the container: %w", operation, name, err)
	}
	return fmt.Errorf("%s %q: %w", operation, name, err)
}

// clean cleans a path, as docker does, by its text alone. Whether it demanded
// a folder, by a slash or a dot at its end, is told apart.
func (t *Tree) clean(name string) (clean string, slash, dot bool, err error) {
	dot = path.Base(name) == "."
	slash = strings.HasSuffix(name, "/") || dot
	if name == "" {
		return "", false, false, errors.New("a path is empty")
	}
	if t.container {
		return path.Clean("/" + name), slash, dot, nil
	}
	clean, err = filepath.Abs(name)
	return clean, slash, dot, err
}

// source is what is to be copied, held.
type source struct {
	*Tree
	fd       int // O_PATH
	path     string
	name     string // its last
	isDir    bool
	contents bool // what is in it, not it
	kind     uint32
}

// source finds what is to be copied. A link that stands last is followed only
// if that is asked for, or the path demands a folder.
func (t *Tree) source(name string, follow bool) (*source, error) {
	clean, slash, dot, err := t.clean(name)
	if err != nil {
		return nil, err
	}
	flags := uint64(unix.O_PATH)
	if slash {
		flags |= unix.O_DIRECTORY
	} else if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := t.open(clean, flags)
	if err != nil {
		return nil, t.wrap("find", name, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, t.wrap("stat", name, err)
	}
	kind := st.Mode & unix.S_IFMT
	return &source{t, fd, clean, path.Base(clean), kind == unix.S_IFDIR, dot || clean == "/", kind}, nil
}

// check refuses a source that would be left out.
func (s *source) check(o *Options) error {
	switch s.kind {
	case unix.S_IFSOCK:
		return s.wrap("copy", s.path, errSocket)
	case unix.S_IFCHR, unix.S_IFBLK:
		if !o.Archive {
			return hint.New(s.wrap("copy", s.path, errDevice), "-a copies devices, with their owners")
		}
	}
	return nil
}

// target is where something is to be copied to: a folder that is there, or a
// name in one.
type target struct {
	*Tree
	dir   int // O_PATH
	path  string
	name  string // in the folder; "" for the folder itself
	kind  uint32 // of what has the name, 0 for nothing
	slash bool   // the path demands a folder
}

const maxLinks = 40 // as many as the kernel follows (path_resolution(7))

// target finds where to copy to. Links are followed, the last one too, even to
// where nothing is yet; that one by its text, which is looked up as any path is.
func (t *Tree) target(target string) (*target, error) {
	name, slash, _, err := t.clean(target)
	if err != nil {
		return nil, err
	}
	for range maxLinks {
		p, link, err := t.lookUp(name)
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil, hint.New(t.wrap("find the folder of", target, err), "make the folder first")
		case err != nil:
			return nil, t.wrap("find", target, err)
		case p != nil:
			p.path, p.slash = name, slash
			return p, nil
		case path.IsAbs(link):
			name = link
		default:
			dir, _ := path.Split(name)
			name = dir + link
		}
	}
	return nil, t.wrap("find", target, unix.ELOOP)
}

// lookUp looks up a path but for a link at its end, whose text it returns.
func (t *Tree) lookUp(name string) (*target, string, error) {
	const folder = unix.O_PATH | unix.O_DIRECTORY
	dir, base := path.Split(name)
	if base == "" || base == "." || base == ".." {
		fd, err := t.open(name, folder)
		return &target{Tree: t, dir: fd}, "", err
	}
	parent, err := t.open(dir, folder)
	if err != nil {
		return nil, "", err
	}
	var st unix.Stat_t
	err = unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	kind := st.Mode & unix.S_IFMT
	if err == unix.ENOENT || err == nil && kind != unix.S_IFDIR && kind != unix.S_IFLNK {
		return &target{Tree: t, dir: parent, name: base, kind: kind}, "", nil
	}
	defer unix.Close(parent)
	switch {
	case err != nil:
		return nil, "", err
	case kind == unix.S_IFLNK:
		link, err := readlinkat(parent, base)
		return nil, link, err
	}
	fd, err := unix.Openat(parent, base, folder|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return &target{Tree: t, dir: fd}, "", err
}

func readlinkat(folder int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(folder, name, buf)
	return string(buf[:max(n, 0)]), err
}

// checkWritable refuses a folder of a container on a mount that is read-only, before
// anything is tried.
func (t *Tree) checkWritable(folder int) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(folder, &st); err != nil {
		return fmt.Errorf("fstatfs: %w", err)
	}
	if !t.container || st.Flags&unix.ST_RDONLY == 0 {
		return nil
	}
	here, err := mountOf(folder)
	if err != nil {
		return err
	}
	root, err := mountOf(t.fd)
	if err != nil {
		return err
	}
	if here.Mnt_id != root.Mnt_id {
		err := errors.New("the mount there is read-only")
		if st.Type == unix.TMPFS_MAGIC {
			err = hint.New(err, "a tmpfs of a container takes files while that runs: start it first")
		}
		return err
	}
	return hint.New(errors.New("container rootfs is marked read-only"), "copy into a volume or tmpfs that the container has")
}

// mountOf tells which mount a file is on, and whether it is its root.
func mountOf(fd int) (*unix.Statx_t, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil {
		return nil, fmt.Errorf("statx: %w", err)
	}
	return &st, nil
}
