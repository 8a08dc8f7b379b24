package cp

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Packing walks a tree that other processes change. Every inode is opened once with O_PATH,
// which has no effect on it, and inspected. Only a directory or a regular file is then
// opened for reading, through its descriptor: a FIFO would block, a device might act.
//
// The header of a tar entry holds the size of the file before its bytes. A file that has
// become shorter is filled up with zeros, one that has become longer is cut; the stream
// goes on, and the error at the end names the file. What is removed before it is reached
// is left out.

const (
	bufferSize = 128 << 10

	maxLinkNames = 64 << 20 // bytes of names kept to find hard links
	maxXattrs    = 512 << 10
	maxErrors    = 10 // errors that are reported one by one
)

type inode struct{ dev, ino uint64 }

type packer struct {
	*source
	top   string // the name of the source in the tar
	o     *Options
	tar   *tar.Writer
	links map[inode]string // the first name of inodes that have several
	names int              // bytes in links
	errs  errorList
	buf   []byte
}

// errorList collects the errors of single files.
type errorList struct {
	first []error
	more  int
}

func (w *errorList) add(err error) {
	if len(w.first) < maxErrors {
		w.first = append(w.first, err)
	} else {
		w.more++
	}
}

func (w *errorList) err() error {
	if w.more > 0 {
		return errors.Join(append(w.first, fmt.Errorf("and %d more files", w.more))...)
	}
	return errors.Join(w.first...)
}

// path returns the path of an entry in the source.
func (p *packer) path(name string) string {
	return path.Join(p.source.path, strings.TrimPrefix(name, p.top))
}

func (p *packer) fail(name, what string, err error) {
	p.errs.add(p.wrap(what, p.path(name), err))
}

// packEntry packs a name in a directory. The error is that of the stream.
func (p *packer) packEntry(dir int, base, name string) error {
	fd, err := unix.Openat(dir, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		p.fail(name, "open", err)
		return nil
	}
	defer unix.Close(fd)
	return p.packInode(fd, name)
}

// packInode packs the inode of an O_PATH descriptor.
func (p *packer) packInode(fd int, name string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		p.fail(name, "stat", err)
		return nil
	}
	if len(name) >= unix.PathMax {
		p.fail(name[:100]+"…", "copy", unix.ENAMETOOLONG)
		return nil
	}
	h := &tar.Header{
		Format: tar.FormatPAX, Name: name, Mode: int64(st.Mode & 0o7777),
		Uid: toContainer(p.uids, st.Uid), Gid: toContainer(p.gids, st.Gid), ModTime: time.Unix(st.Mtim.Unix()),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return p.packDir(fd, h)
	case unix.S_IFREG:
		if p.setHardLink(h, &st) {
			return p.tar.WriteHeader(h)
		}
		return p.packFile(fd, h, &st)
	case unix.S_IFLNK:
		return p.packSymlink(fd, h)
	case unix.S_IFSOCK:
		p.o.Skipped(p.path(name), errSocket)
		return nil
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	case unix.S_IFCHR:
		h.Typeflag = tar.TypeChar
	case unix.S_IFBLK:
		h.Typeflag = tar.TypeBlock
	}
	h.Devmajor, h.Devminor = int64(unix.Major(uint64(st.Rdev))), int64(unix.Minor(uint64(st.Rdev)))
	return p.tar.WriteHeader(h)
}

// setHardLink turns the header into that of a hard link, if the inode has come before.
func (p *packer) setHardLink(h *tar.Header, st *unix.Stat_t) bool {
	if st.Nlink < 2 {
		return false
	}
	first, ok := p.links[inode{uint64(st.Dev), st.Ino}]
	if ok {
		h.Typeflag, h.Linkname = tar.TypeLink, first
	}
	return ok
}

// remember keeps the name of an inode that may come again. When the names take too much
// memory, each further name becomes a file.
func (p *packer) remember(name string, st *unix.Stat_t) {
	if st.Nlink > 1 && p.names+len(name) < maxLinkNames {
		p.links[inode{uint64(st.Dev), st.Ino}] = name
		p.names += len(name)
	}
}

func (p *packer) packSymlink(fd int, h *tar.Header) (err error) {
	h.Typeflag = tar.TypeSymlink
	if h.Linkname, err = readlinkat(fd, ""); err != nil {
		p.fail(h.Name, "readlink", err)
		return nil
	}
	return p.tar.WriteHeader(h)
}

// packDir packs a directory and its contents.
func (p *packer) packDir(held int, h *tar.Header) error {
	name := h.Name
	fd, err := unix.Openat(held, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		p.fail(name, "open", err)
		return nil
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	if name != "" { // the root of an export has no entry
		name += "/"
		h.Typeflag, h.Name, h.PAXRecords = tar.TypeDir, name, p.xattrs(fd, name)
		if err := p.tar.WriteHeader(h); err != nil || p.isKernelMount(fd, name) {
			return err
		}
	}
	for {
		bases, err := dir.Readdirnames(256)
		for _, base := range bases {
			if err := p.packEntry(fd, base, name+base); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
			continue
		case err != io.EOF:
			p.fail(name, "read directory", err)
		}
		return nil
	}
}

// isKernelMount reports whether a directory is /proc, /sys or /dev of a running container:
// in a copy of the whole root, they are empty.
func (p *packer) isKernelMount(fd int, name string) bool {
	if !p.container || p.source.path != "/" {
		return false
	}
	switch strings.TrimPrefix(name, p.top) {
	case "/proc/", "/sys/", "/dev/":
		st, err := mountOf(fd)
		return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	return false
}

// packFile packs a regular file.
func (p *packer) packFile(held int, h *tar.Header, st *unix.Stat_t) error {
	name := fmt.Sprintf("/proc/self/fd/%d", held)
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		p.fail(h.Name, "open", err)
		return nil
	}
	defer unix.Close(fd)
	h.Typeflag, h.Size, h.PAXRecords = tar.TypeReg, st.Size, p.xattrs(fd, h.Name)
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	p.remember(h.Name, st)
	return p.packContent(fd, h)
}

// packContent writes exactly as many bytes as the header has.
func (p *packer) packContent(fd int, h *tar.Header) error {
	var short error
	for left := h.Size; left > 0; {
		want := p.buf[:min(left, int64(len(p.buf)))]
		n := len(want)
		if short == nil {
			if n, short = read(fd, want); short != nil {
				p.fail(h.Name, "read", short)
			} else if n == 0 {
				short = errors.New("file became shorter while it was copied: the rest is zeros")
				p.fail(h.Name, "copy", short)
			}
		}
		if short != nil {
			n = len(want)
			clear(want)
		}
		if _, err := p.tar.Write(want[:n]); err != nil {
			return err
		}
		p.o.Progress(n)
		left -= int64(n)
	}
	if short != nil {
		return nil
	}
	if n, _ := read(fd, p.buf[:1]); n > 0 {
		p.fail(h.Name, "copy", fmt.Errorf("file became longer while it was copied: only %d bytes are copied", h.Size))
	}
	return nil
}

func read(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// xattrs returns the extended attributes that a copy may keep, as PAX records.
func (p *packer) xattrs(fd int, name string) map[string]string {
	list, value := p.buf[:64<<10], p.buf[64<<10:] // XATTR_LIST_MAX, XATTR_SIZE_MAX
	n, err := unix.Flistxattr(fd, list)
	if err == unix.ENOTSUP {
		return nil
	}
	if err != nil {
		p.fail(name, "flistxattr", err)
		return nil
	}
	var records map[string]string
	total := 0
	for key := range strings.SplitSeq(string(list[:n]), "\x00") {
		if !layers.AllowedXattr(key) {
			continue
		}
		n, err := unix.Fgetxattr(fd, key, value)
		if err == unix.ENODATA {
			continue
		}
		if total += len(key) + n; err == nil && (total > maxXattrs || strings.Contains(key, "=")) {
			err = errors.New("not possible in a tar")
		}
		if err != nil {
			p.fail(name, "fgetxattr "+key+" of", err)
			continue
		}
		if records == nil {
			records = make(map[string]string)
		}
		records[layers.PAXXattr+key] = string(value[:n])
	}
	return records
}
