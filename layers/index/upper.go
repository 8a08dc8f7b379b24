package index

// The changes of a container are in the upper directory of its overlay. That is a
// layer too, though not a tar: a whiteout is a character device 0:0 there, and
// an opaque directory has an attribute (the kernel's overlayfs.rst).
//
// The container may run and change the directory while it is read. So every
// path is opened within an os.Root, which no link leads out of, and only
// directories are opened.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Upper lists the upper directory of an overlay: each directory before its files,
// and these in the order of their names. It does not read contents: entries have
// no Sum and no Xattrs.
func Upper(dir string) (*Index, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	u := &upper{root: root, first: make(map[uint64]string)}
	return &u.Index, u.dir("")
}

// An upper is one call of Upper.
type upper struct {
	Index
	root  *os.Root
	first map[uint64]string // an inode's first name
}

// dir lists a directory.
func (u *upper) dir(name string) error {
	list, opaque, err := u.list(name)
	if err != nil {
		return err
	}
	if opaque {
		u.Entries = append(u.Entries, Entry{Path: name, Kind: Opaque})
	}
	for _, base := range list {
		err := u.entry(path.Join(name, base))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted since
			return err
		}
	}
	return nil
}

// list returns the names in a directory, and whether it is opaque.
func (u *upper) list(name string) (list []string, opaque bool, err error) {
	f, err := u.root.OpenFile(path.Join(".", name), os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	list, err = f.Readdirnames(-1)
	slices.Sort(list)
	return list, layers.IsOpaque(int(f.Fd())), err
}

// entry lists a file, and what is below it.
func (u *upper) entry(name string) error {
	info, err := u.root.Lstat(name)
	if err != nil {
		return err
	}
	if err := checkPath(name); err != nil {
		return fmt.Errorf("%.300q: %w", name, err)
	}
	if len(u.Entries) >= layers.DefaultLimits.Entries {
		return fmt.Errorf("more than %d files", layers.DefaultLimits.Entries)
	}
	e, err := u.read(name, info)
	if err != nil {
		return err
	}
	u.Entries = append(u.Entries, e)
	if e.Kind == Directory {
		return u.dir(name)
	}
	return nil
}

// read converts the result of lstat(2).
func (u *upper) read(name string, info fs.FileInfo) (e Entry, err error) {
	st := info.Sys().(*syscall.Stat_t)
	e = Entry{Path: name, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Time: info.ModTime()}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Kind, e.Size = File, info.Size()
		if first, ok := u.first[st.Ino]; ok {
			e.Kind, e.Size, e.Target = Hardlink, 0, first
		}
		u.first[st.Ino] = name
	case unix.S_IFDIR:
		e.Kind = Directory
	case unix.S_IFLNK:
		e.Kind = Symlink
		e.Target, err = u.root.Readlink(name)
	case unix.S_IFCHR:
		e.Kind, e.Major, e.Minor = Char, unix.Major(st.Rdev), unix.Minor(st.Rdev)
		if st.Rdev == 0 {
			e.Kind = Whiteout
		}
	case unix.S_IFBLK:
		e.Kind, e.Major, e.Minor = Block, unix.Major(st.Rdev), unix.Minor(st.Rdev)
	default:
		e.Kind = FIFO // or a socket, which a tar cannot hold
	}
	u.Size += e.Size
	return e, err
}
