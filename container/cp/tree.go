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
	fd         int    // of the directory that paths start at
	resolve    uint64 // of openat2(2)
	container  bool
	uids, gids []IDs
}

// Host returns the caller's tree: paths mean what they mean to any command.
func Host() *Tree { return &Tree{fd: unix.AT_FDCWD} }

// Container returns the tree below the directory root, a descriptor, O_PATH or not, that
// the caller closes. Without mappings, IDs of the container are those of the host.
func Container(root int, uids, gids []IDs) *Tree {
	return &Tree{root, unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS, true, uids, gids}
}

// open looks a path up. It tries again after EAGAIN: a rename or a mount raced with the
// resolution of a ".." (openat2(2)).
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

// clean returns the clean absolute path, and whether a slash or a dot at its end demands a
// directory. It does not look at the tree; docker cleans paths in the same way.
func (t *Tree) clean(name string) (clean string, slash, dot bool, err error) {
	dot = path.Base(name) == "."
	slash = strings.HasSuffix(name, "/") || dot
	if name == "" {
		return "", false, false, errors.New("path: empty")
	}
	if t.container {
		return path.Clean("/" + name), slash, dot, nil
	}
	clean, err = filepath.Abs(name)
	return clean, slash, dot, err
}

// source is a file or directory to copy, held by a descriptor.
type source struct {
	*Tree
	fd       int // O_PATH
	path     string
	name     string // the last component of path
	isDir    bool
	contents bool // copy its contents, not itself
	kind     uint32
}

// source opens what is to be copied. A symbolic link in the last component is followed
// only with follow, or if the path demands a directory.
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

// check refuses a source that a copy would leave out.
func (s *source) check(o *Options) error {
	switch s.kind {
	case unix.S_IFSOCK:
		return s.wrap("copy", s.path, errSocket)
	case unix.S_IFCHR, unix.S_IFBLK:
		if !o.Archive {
			return hint.New(s.wrap("copy", s.path, errDevice), "copy devices with their owners: minictr cp -a")
		}
	}
	return nil
}

// target is where to copy to: an existing directory, or a name in one.
type target struct {
	*Tree
	dir   int // O_PATH
	path  string
	name  string // in dir; "" for dir itself
	kind  uint32 // S_IFMT of the name; 0 if it does not exist
	slash bool   // the path demands a directory
}

const maxLinks = 40 // as many as the kernel follows (path_resolution(7))

// target finds where to copy to. Symbolic links are followed, also the last one, and also
// to a name that does not exist: the text of the last one is looked up as any path.
func (t *Tree) target(target string) (*target, error) {
	name, slash, _, err := t.clean(target)
	if err != nil {
		return nil, err
	}
	for range maxLinks {
		p, link, err := t.lookUp(name)
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil, hint.New(t.wrap("find the directory of", target, err), "create the directory first")
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

// lookUp looks up a path. If the last component is a symbolic link, it returns its text.
func (t *Tree) lookUp(name string) (*target, string, error) {
	const dirFlags = unix.O_PATH | unix.O_DIRECTORY
	dir, base := path.Split(name)
	if base == "" || base == "." || base == ".." {
		fd, err := t.open(name, dirFlags)
		return &target{Tree: t, dir: fd}, "", err
	}
	parent, err := t.open(dir, dirFlags)
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
	fd, err := unix.Openat(parent, base, dirFlags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return &target{Tree: t, dir: fd}, "", err
}

func readlinkat(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	return string(buf[:max(n, 0)]), err
}

// checkWritable refuses a directory of a container on a read-only mount, before anything is
// copied.
func (t *Tree) checkWritable(dir int) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(dir, &st); err != nil {
		return fmt.Errorf("fstatfs: %w", err)
	}
	if !t.container || st.Flags&unix.ST_RDONLY == 0 {
		return nil
	}
	here, err := mountOf(dir)
	if err != nil {
		return err
	}
	root, err := mountOf(t.fd)
	if err != nil {
		return err
	}
	if here.Mnt_id != root.Mnt_id {
		err := errors.New("mount is read-only")
		if st.Type == unix.TMPFS_MAGIC {
			err = hint.New(err, "start the container first: its tmpfs exists while it runs")
		}
		return err
	}
	return hint.New(errors.New("container rootfs is marked read-only"),
		"copy into a volume or a tmpfs of the container")
}

// mountOf returns the mount ID of a file, and whether it is the root of the mount
// (statx(2)).
func mountOf(fd int) (*unix.Statx_t, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil {
		return nil, fmt.Errorf("statx: %w", err)
	}
	return &st, nil
}
