package layers

// A file of an image is read before there is a container: which ID has
// "www-data" in its /etc/passwd? Mounting an overlay for that costs more than
// the answer, so a walker resolves the path as overlayfs would (the kernel's
// Documentation/filesystems/overlayfs.rst):
//
//   - A merged directory is the list of the layers' directories of that path,
//     top first, down to an opaque one, a whiteout or another kind of file.
//   - The topmost layer that has a name decides its type.
//
// The walker takes one component at a time, by openat(2) with O_NOFOLLOW
// relative to a descriptor; for ".." it goes back along its own trail. So no
// link and no device of a layer can lead out of the image, or block.

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
	maxLinks = 40 // symbolic links that the kernel follows (path_resolution(7))
	maxDepth = 64 // nested directories: each has a descriptor for every layer that has it
)

// merged is a directory of the overlay: the descriptors of its parts, top first.
type merged []int

func (m merged) close() {
	for _, fd := range m {
		unix.Close(fd)
	}
}

// Open opens a regular file of a stack of layers, bottom first, as their overlay
// would show it. Another kind of file is an error: a FIFO would block, a device
// is the host's. The file may be of any size. The error is a *PathError.
func (s *Store) Open(stack []digest.Digest, path string) (*os.File, error) {
	w := walker{links: maxLinks}
	defer w.close()
	file, err := w.open(s, stack, path)
	if err != nil {
		return nil, &os.PathError{Op: "open in image", Path: path, Err: err}
	}
	return file, nil
}

// A walker resolves one path.
type walker struct {
	trail []merged // the directories from the root to the current one
	links int      // that may still be followed
}

func (w *walker) close() {
	for _, m := range w.trail {
		m.close()
	}
}

// open resolves path and opens it.
func (w *walker) open(s *Store, stack []digest.Digest, path string) (*os.File, error) {
	if err := w.root(s, stack); err != nil {
		return nil, err
	}
	rest := path
	for {
		// take the next component
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
		// resolve it
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

// Visible returns the layers of a stack, bottom first, to mount its overlay from.
// It leaves out two kinds:
//
//   - A layer that occurs again further up. overlayfs refuses a directory twice
//     (ELOOP), and the upper one covers all that the lower one has.
//   - All layers below one whose root is opaque. The kernel ignores that mark on
//     the root of a layer.
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

// opaqueRoot reports whether the root of a layer is opaque. For a missing layer it
// is false: opening the layer fails later.
func (s *Store) opaqueRoot(l digest.Digest) bool {
	var y [1]byte
	n, err := unix.Lgetxattr(s.Path(l), opaqueXattr, y[:])
	return err == nil && n == 1 && y[0] == 'y'
}

// root opens the roots of the layers.
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

// step resolves one component: it opens a file, returns the target of a link, or
// enters a directory. Last says that no component follows.
func (w *walker) step(name string, last bool) (file *os.File, link string, err error) {
	// look for the name in each part of the current directory, top first
	var dir merged
	for _, part := range w.trail[len(w.trail)-1] {
		st, err := lstat(part, name)
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			dir.close()
			return nil, "", err
		}
		kind := st.Mode & unix.S_IFMT
		switch {
		case kind != unix.S_IFDIR && dir != nil, isWhiteout(st):
		case kind == unix.S_IFDIR:
			fd, err := unix.Openat(part, name, openDir|unix.O_NOFOLLOW, 0)
			if err != nil {
				dir.close()
				return nil, "", err
			}
			if dir = append(dir, fd); !IsOpaque(fd) {
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
	// enter the directory that was found
	if dir == nil {
		return nil, "", unix.ENOENT
	}
	w.trail = append(w.trail, dir)
	if len(w.trail) > maxDepth {
		return nil, "", unix.ENAMETOOLONG
	}
	return nil, "", nil
}

func (w *walker) readlink(dir int, name string) (string, error) {
	if w.links--; w.links < 0 {
		return "", unix.ELOOP
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	return string(buf[:max(n, 0)]), err
}

// openFile opens a file; O_NONBLOCK, in case it became a FIFO.
func openFile(dir int, name string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
