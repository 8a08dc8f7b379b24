package layers

// Reading one file of an image before there is a container: who is "www-data"
// in its /etc/passwd? Mounting an overlay for that would cost more than the
// answer, so this walks the stack as overlayfs would show it (kernel's
// Documentation/filesystems/overlayfs.rst):
//
//   - A merged folder is the list of the layers' folders of that path, top
//     first, down to one that is opaque, to a whiteout, or to a file.
//   - The first layer that has a name decides what it is.
//
// A path is taken one name at a time, each by openat(2) with O_NOFOLLOW in a
// folder's descriptor; ".." goes back on the walker's own stack. So nothing
// in a layer, no link and no device, can lead out of it or make it wait.

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

const (
	maxLinks = 40 // as many symbolic links as the kernel follows (path_resolution(7))
	maxDepth = 64 // folders: each holds a descriptor for every layer that has it
)

// merged is a folder of the overlay: descriptors of its parts, top first.
type merged []int

func (m merged) close() {
	for _, fd := range m {
		unix.Close(fd)
	}
}

// Open opens a regular file as the overlay of the stack, bottom first, would
// show it. Anything else is an error: a FIFO would block, a device is the
// machine's. What it returns may be of any size.
func (s *Store) Open(stack []digest.Digest, path string) (*os.File, error) {
	w := walker{links: maxLinks}
	defer w.close()
	file, err := w.open(s, stack, path)
	if err != nil {
		return nil, &os.PathError{Op: "open in image", Path: path, Err: err}
	}
	return file, nil
}

type walker struct {
	trail []merged // from the root to where the walk is
	links int
}

func (w *walker) close() {
	for _, m := range w.trail {
		m.close()
	}
}

func (w *walker) open(s *Store, stack []digest.Digest, path string) (*os.File, error) {
	if err := w.root(s, stack); err != nil {
		return nil, err
	}
	rest := path
	for {
		var name string
		name, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		switch name {
		case "":
			return nil, unix.EISDIR
		case ".":
			continue
		case "..":
			w.up()
			continue
		}
		file, link, err := w.step(name, rest == "")
		if err != nil || file != nil {
			return file, err
		}
		if link != "" {
			if strings.HasPrefix(link, "/") {
				w.top()
			}
			rest = link + "/" + rest
			rest = strings.TrimSuffix(rest, "/")
		}
	}
}

// Visible returns the layers of a stack, bottom first, that an overlay of it
// is to be mounted from. Two kinds are left out, because the kernel does not:
//
//   - A layer that comes again further up. overlayfs takes no folder twice
//     (ELOOP), and all that the lower one has, the upper one covers.
//   - All below a layer whose very root is opaque. The kernel heeds that mark
//     on every folder but a layer's root.
func (s *Store) Visible(stack []digest.Digest) []digest.Digest {
	var visible []digest.Digest
	for _, l := range slices.Backward(stack) {
		if slices.Contains(visible, l) {
			continue
		}
		visible = append(visible, l)
		if s.opaqueRoot(l) {
			break
		}
	}
	slices.Reverse(visible)
	return visible
}

// opaqueRoot is false for a layer that is missing: who opens it reports that.
func (s *Store) opaqueRoot(l digest.Digest) bool {
	var y [1]byte
	n, err := unix.Lgetxattr(s.Path(l), opaqueXattr, y[:])
	return err == nil && n == 1 && y[0] == 'y'
}

func (w *walker) root(s *Store, stack []digest.Digest) error {
	var root merged
	stack = s.Visible(stack)
	for i := len(stack) - 1; i >= 0; i-- {
		fd, err := unix.Open(s.Path(stack[i]), openDir, 0)
		if err != nil {
			root.close()
			return fmt.Errorf("layer %s: %w", stack[i], err)
		}
		root = append(root, fd)
	}
	w.trail = []merged{root}
	return nil
}

func (w *walker) up() {
	if last := len(w.trail) - 1; last > 0 {
		w.trail[last].close()
		w.trail = w.trail[:last]
	}
}

func (w *walker) top() {
	for len(w.trail) > 1 {
		w.up()
	}
}

// step takes one name: it opens a file, returns a link's text, or goes into a
// folder.
func (w *walker) step(name string, last bool) (file *os.File, link string, err error) {
	var folder merged
	for _, part := range w.trail[len(w.trail)-1] {
		st, err := lstat(part, name)
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			folder.close()
			return nil, "", err
		}
		kind := st.Mode & unix.S_IFMT
		switch {
		case kind != unix.S_IFDIR && folder != nil, isWhiteout(st):
		case kind == unix.S_IFDIR:
			fd, err := unix.Openat(part, name, openDir|unix.O_NOFOLLOW, 0)
			if err != nil {
				folder.close()
				return nil, "", err
			}
			if folder = append(folder, fd); !isOpaque(fd) {
				continue
			}
		case kind == unix.S_IFLNK:
			link, err = w.readlink(part, name)
			return nil, link, err
		case !last:
			return nil, "", unix.ENOTDIR
		case kind != unix.S_IFREG:
			return nil, "", errors.New("not a regular file")
		default:
			file, err = openFile(part, name)
			return file, "", err
		}
		break
	}
	if folder == nil {
		return nil, "", unix.ENOENT
	}
	w.trail = append(w.trail, folder)
	if len(w.trail) > maxDepth {
		return nil, "", unix.ENAMETOOLONG
	}
	return nil, "", nil
}

func (w *walker) readlink(folder int, name string) (string, error) {
	if w.links--; w.links < 0 {
		return "", unix.ELOOP
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(folder, name, buf)
	return string(buf[:max(n, 0)]), err
}

// openFile opens without waiting for a FIFO's other end.
func openFile(folder int, name string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Openat(folder, name, flags, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
