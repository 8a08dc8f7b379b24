// Package cp copies files between a container and its host, as docker cp does.
//
// A container is a stranger's, and may be running while it is copied from or
// to: what was a folder a moment ago is a link to /etc/shadow now. Three rules
// hold against that.
//
//   - A tree is known by a descriptor of its root. Every path is looked up by
//     openat2(2) with RESOLVE_IN_ROOT, for which the container's / is the end of
//     every ".." and the start of every absolute link; a magic link, such as
//     /proc/1/root, is followed by nobody (tree.go).
//   - A name is looked up once. What it led to is held by its descriptor, and
//     looked at, read and written by that, whatever becomes of the name.
//   - Nothing that is found in a container is run, loaded or believed: not its
//     libraries, its nsswitch.conf, its passwd. Owners are numbers.
//
// Every copy is a tar stream between two halves that know nothing of each
// other. One packs a file or folder under a name (pack.go), the other unpacks
// at a place (layers.ExtractInto). Which name and which place, docker's rules
// tell beforehand (land.go). Memory does not grow with what is copied, but for
// the names of folders.
package cp

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Options say how to copy. Both functions must be there.
type Options struct {
	// Archive keeps owners, setuid bits and devices. Without it, what is copied
	// belongs to the root of the container, or to the caller on the host.
	Archive bool
	// Follow copies what the source leads to, if that is a symbolic link.
	Follow bool

	Skipped  func(path string, why error) // is told what is left out, and why
	Progress func(bytes int)              // is told how many more bytes have passed
}

// Copy copies the file or folder source of one tree to the place target of the
// other. What could be copied in part only, because it changed meanwhile, is
// told by the error, after all else was copied.
func Copy(from *Tree, source string, to *Tree, target string, o *Options) error {
	s, err := from.source(source, o.Follow)
	if err != nil {
		return err
	}
	defer unix.Close(s.fd)
	if err := s.check(o); err != nil {
		return err
	}
	p, err := to.target(target)
	if err != nil {
		return err
	}
	defer unix.Close(p.dir)
	name, err := targetName(s, p)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	incomplete := make(chan error, 1)
	go func() {
		partly, err := s.pack(w, name, o)
		w.CloseWithError(err)
		incomplete <- partly
	}()
	// each folder on the way comes in the stream before what is in it, so a link
	// there is not of our making
	const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	err = to.unpack(r, p.dir, resolve, o)
	r.CloseWithError(err)
	return errors.Join(err, <-incomplete)
}

// Pack writes the file or folder source as a tar, as "docker cp C:SOURCE -" does.
func Pack(w io.Writer, from *Tree, source string, o *Options) error {
	s, err := from.source(source, o.Follow)
	if err != nil {
		return err
	}
	defer unix.Close(s.fd)
	name := s.name
	if s.contents {
		name = "."
	}
	partly, err := s.pack(w, name, o)
	return errors.Join(err, partly)
}

// Unpack unpacks a tar, plain or compressed, in the folder target, as
// "docker cp - C:TARGET" does.
func Unpack(r io.Reader, to *Tree, target string, o *Options) error {
	p, err := to.target(target)
	if err != nil {
		return err
	}
	defer unix.Close(p.dir)
	if p.name != "" {
		why := unix.ENOTDIR
		if p.kind == 0 {
			why = unix.ENOENT
		}
		return hint.New(to.wrap("unpack in", target, why), "a tar is unpacked in a folder that is there")
	}
	// a link in the tree is followed if it does not lead out of the folder
	resolve := uint64(unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS)
	if p.path == "/" {
		resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	return to.unpack(&progressReader{r, o.Progress}, p.dir, resolve, o)
}

func (t *Tree) unpack(r io.Reader, folder int, resolve uint64, o *Options) error {
	if err := t.checkWritable(folder); err != nil {
		return err
	}
	adopt := func(h *tar.Header) (bool, error) { return t.setOwner(h, o) }
	return layers.ExtractInto(r, layers.Destination{Dir: folder, Resolve: resolve, Filter: adopt, Skipped: o.Skipped})
}

// progressReader tells how much is read through it.
type progressReader struct {
	io.Reader
	tell func(int)
}

func (c *progressReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.tell(n)
	return n, err
}

// pack writes the source as a tar under a name. What is wrong with single files
// does not end the stream; it is told by partly.
func (s *source) pack(w io.Writer, name string, o *Options) (partly, err error) {
	out := bufio.NewWriterSize(w, bufferSize)
	p := &packer{source: s, top: name, o: o, tar: tar.NewWriter(out), links: make(map[inode]string), buf: make([]byte, bufferSize)}
	err = p.packInode(s.fd, name)
	if err == nil {
		err = p.tar.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	return p.errs.err(), err
}
