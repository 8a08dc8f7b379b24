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

// Options say how to copy. Both functions must be set.
type Options struct {
	// Archive keeps owners, setuid bits and devices. Without it, copied files belong
	// to the root user of the container, or to the caller on the host.
	Archive bool
	// Follow copies the target of a source that is a symbolic link.
	Follow bool

	Skipped  func(path string, why error) // is called for each file left out
	Progress func(bytes int)              // is called with the number of further bytes
}

// Copy copies the file or directory source of one tree to target in the other. The error
// also names files that were copied incompletely because they changed meanwhile; all
// others have been copied then.
func Copy(from *Tree, source string, to *Tree, target string, o *Options) error {
	// both ends, and the name of the copy
	s, err := from.source(source, o.Follow)
	if err != nil {
		return err
	}
	defer unix.Close(s.fd)
	if err := s.check(o); err != nil {
		return err
	}
	dst, err := to.target(target)
	if err != nil {
		return err
	}
	defer unix.Close(dst.dir)
	name, err := targetName(s, dst)
	if err != nil {
		return err
	}
	// one half packs, the other unpacks
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		incomplete, err := s.pack(w, name, o)
		w.CloseWithError(err)
		packed <- incomplete
	}()
	// The stream has each directory before what is in it: a symbolic link on the way was
	// not made by this copy.
	const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	err = to.unpack(r, dst.dir, resolve, o)
	r.CloseWithError(err)
	return errors.Join(err, <-packed)
}

// Pack writes the file or directory source as a tar, as "docker cp C:SOURCE -" does.
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
	incomplete, err := s.pack(w, name, o)
	return errors.Join(err, incomplete)
}

// Export writes all that is below the root of a tree as a tar, as docker export does: names
// begin without a slash, and there is no entry for the root. Of files that changed meanwhile,
// the archive has what the error incomplete says.
func Export(w io.Writer, from *Tree, o *Options) (incomplete, err error) {
	s, err := from.source("/", false)
	if err != nil {
		return nil, err
	}
	defer unix.Close(s.fd)
	return s.pack(w, "", o)
}

// Unpack unpacks a tar, plain or compressed, into the directory target, as
// "docker cp - C:TARGET" does.
func Unpack(r io.Reader, to *Tree, target string, o *Options) error {
	dst, err := to.target(target)
	if err != nil {
		return err
	}
	defer unix.Close(dst.dir)
	if dst.name != "" {
		reason := unix.ENOTDIR
		if dst.kind == 0 {
			reason = unix.ENOENT
		}
		return hint.New(to.wrap("unpack in", target, reason), "create the directory first")
	}
	// a link in the tree is followed unless it leads out of the directory
	resolve := uint64(unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS)
	if dst.path == "/" {
		resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	return to.unpack(&progressReader{r, o.Progress}, dst.dir, resolve, o)
}

// unpack unpacks a tar into the directory dir.
func (t *Tree) unpack(r io.Reader, dir int, resolve uint64, o *Options) error {
	if err := t.checkWritable(dir); err != nil {
		return err
	}
	adopt := func(h *tar.Header) (bool, error) { return t.setOwner(h, o) }
	return layers.ExtractInto(r, layers.Destination{Dir: dir, Resolve: resolve, Filter: adopt, Skipped: o.Skipped})
}

// progressReader reports the number of bytes read through it.
type progressReader struct {
	io.Reader
	report func(int)
}

func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.report(n)
	return n, err
}

// pack writes the source as a tar under a name. Errors of single files do not end the
// stream: they are incomplete.
func (s *source) pack(w io.Writer, name string, o *Options) (incomplete, err error) {
	out := bufio.NewWriterSize(w, bufferSize)
	p := &packer{
		source: s, top: name, o: o, tar: tar.NewWriter(out),
		links: make(map[inode]string), buf: make([]byte, bufferSize),
	}
	err = p.packInode(s.fd, name)
	if err == nil {
		err = p.tar.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	return p.errs.err(), err
}
