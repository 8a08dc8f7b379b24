package images

// An archive that is compressed cannot be looked into without decompressing
// all of it: into a nameless file, for as long as it is needed. So of such an
// archive not only its layers' indexes are kept, but its images' configs too,
// and the second look does not open it at all, unless a file's content is
// wanted.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// lookFile opens the image of this name in an archive or a layout; the name
// may be left out where there is one image only.
func openFromArchive(ctx context.Context, file, name, cache string) (src *Source, err error) {
	b := &lazyArchive{ctx: ctx, file: file}
	src = &Source{closers: []func(){b.close}}
	defer func() {
		if err != nil {
			src.Close()
		}
	}()
	all, err := b.images(cache)
	if err != nil {
		return src, err
	}
	c, err := pick(all, file, name)
	if err != nil {
		return src, err
	}
	image, err := parseConfig(c.configJSON, len(c.layers))
	if err != nil {
		return src, err
	}
	src.ID, src.Config = digest.FromBytes(c.configJSON), *image
	if len(c.names) > 0 {
		src.Name = Familiar(c.names[0])
	}
	for _, l := range c.layers {
		src.Layers = append(src.Layers, &Layer{
			DiffID: l.diffID, Blob: l.blob, Size: l.size, unpacked: -1,
			open:  func() (io.ReadCloser, error) { return b.layer(l.file) },
			cache: cachePath(cache, file, l.file, l.diffID.String()),
		})
	}
	return src, nil
}

// A lazyArchive is an archive that is opened when something of it is needed.
type lazyArchive struct {
	ctx  context.Context
	file string

	once       sync.Once
	files      fs.FS
	closer     io.Closer
	compressed bool
	err        error
}

func (b *lazyArchive) open() (fs.FS, error) {
	b.once.Do(func() { b.files, b.closer, b.compressed, b.err = openSeekable(b.ctx, b.file) })
	return b.files, b.err
}

func (b *lazyArchive) close() {
	if b.closer != nil {
		b.closer.Close()
	}
}

func (b *lazyArchive) layer(name string) (io.ReadCloser, error) {
	archive, err := b.open()
	if err != nil {
		return nil, err
	}
	return archive.Open(name)
}

// A note is what is kept of an image in a compressed archive.
type cachedImage struct {
	Names  []string
	Config []byte
	Layers []cachedLayer
}

type cachedLayer struct {
	File         string
	Size         int64
	Blob, DiffID digest.Digest
}

// images are the archive's images, from the notes where there are some.
func (b *lazyArchive) images(cache string) (all []*archiveImage, err error) {
	saved := cachePath(cache, b.file, "", "images")
	var notes []cachedImage
	if data, err := os.ReadFile(saved); err == nil && json.Unmarshal(data, &notes) == nil {
		for _, n := range notes {
			c := &archiveImage{names: n.Names, configJSON: n.Config}
			for _, l := range n.Layers {
				c.layers = append(c.layers, layerSource{file: l.File, size: l.Size, blob: l.Blob, diffID: l.DiffID})
			}
			all = append(all, c)
		}
		return all, nil
	}
	archive, err := b.open()
	if err != nil {
		return nil, err
	}
	if all, err = findImages(archive); err != nil || !b.compressed || saved == "" {
		return all, err
	}
	for _, c := range all {
		n := cachedImage{Names: c.names, Config: c.configJSON}
		for _, l := range c.layers {
			n.Layers = append(n.Layers, cachedLayer{l.file, l.size, l.blob, l.diffID})
		}
		notes = append(notes, n)
	}
	writeCache(saved, func(w io.Writer) error { return json.NewEncoder(w).Encode(notes) })
	return all, nil
}

func pick(all []*archiveImage, file, name string) (*archiveImage, error) {
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	var names []string
	full, _ := Normalize(name)
	for _, c := range all {
		if name != "" && (slices.Contains(c.names, full) || strings.HasPrefix(id(c), strings.TrimPrefix(name, "sha256:"))) {
			return c, nil
		}
		if len(c.names) == 0 {
			names = append(names, id(c)[:12])
		}
		for _, n := range c.names {
			names = append(names, Familiar(n))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no image in it")
	}
	err := fmt.Errorf("%d images in it: %s", len(all), strings.Join(names, ", "))
	return nil, hint.New(err, "name one of them: "+file+":"+names[0])
}

func id(c *archiveImage) string { return digest.FromBytes(c.configJSON).Encoded() }

// lookInto opens a directory or an archive. An archive that is compressed, or
// comes through a FIFO, is copied to a nameless file first.
func openSeekable(ctx context.Context, file string) (archive fs.FS, closer io.Closer, compressed bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, false, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		f.Close()
		root, err := os.OpenRoot(file)
		return archiveDir{root}, root, false, err
	}
	once := err == nil && !st.Mode().IsRegular()
	if err == nil && !once {
		compressed, err = isCompressed(f)
	}
	if err == nil && (once || compressed) {
		defer f.Close()
		f, err = decompressToTemp(ctx, f)
	}
	if err != nil {
		return nil, nil, compressed, err
	}
	archive, closer, err = openTar(f)
	return archive, closer, compressed, err
}

// copyAside decompresses a stream into a temporary file, which the kernel
// frees when it is closed.
func decompressToTemp(ctx context.Context, from *os.File) (*os.File, error) {
	defer context.AfterFunc(ctx, func() { from.Close() })()
	plain, _, err := layers.Decompress(from)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	f, err := unnamedFile(os.TempDir())
	if err == nil {
		if err = copyBounded(f, plain); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, hint.New(fmt.Errorf("decompress archive: %w", err), "TMPDIR names the directory for what is decompressed; or decompress it yourself")
	}
	return f, nil
}

func copyBounded(f *os.File, plain io.Reader) error {
	n, err := io.Copy(f, io.LimitReader(plain, maxArchive))
	if err == nil && n == maxArchive {
		err = fmt.Errorf("it is larger than %d bytes", int64(maxArchive))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return err
}

// nameless makes a file without a name (open(2), O_TMPFILE), or, where the
// file system knows no such thing, one that loses it at once.
func unnamedFile(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return f, err
	}
	if f, err = os.CreateTemp(dir, "minictr-"); err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}

// savedFile is where something about an archive, or a layer in it, is kept: a
// name that no other state of the file has. It is "" where nothing can be.
func cachePath(cache, file, layer, what string) string {
	if cache == "" {
		return ""
	}
	var st unix.Stat_t
	err := unix.Stat(file, &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = unix.Stat(filepath.Join(file, filepath.FromSlash(layer)), &st)
	}
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ""
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return ""
	}
	key := fmt.Sprintf("%d %d %d %v %v %s %s", st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim, what, layer)
	return filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256([]byte(key))))
}
