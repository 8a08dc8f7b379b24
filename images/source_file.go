package images

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// lookFile opens the image of this name in an archive or a layout; the name
// may be left out where there is one image only.
func lookFile(ctx context.Context, file, name, cache string) (src *Source, err error) {
	src = new(Source)
	defer func() {
		if err != nil {
			src.Close()
		}
	}()
	bundle, closer, err := lookInto(ctx, file)
	if err != nil {
		return src, err
	}
	src.closers = append(src.closers, func() { closer.Close() })
	all, err := candidates(bundle)
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
	src.ID, src.Config = c.config.Digest, *image
	if len(c.names) > 0 {
		src.Name = Familiar(c.names[0])
	}
	for _, l := range c.layers {
		src.Layers = append(src.Layers, &Layer{
			DiffID: l.diffID, Blob: l.blob, Size: l.size, unpacked: -1,
			open:  func() (io.ReadCloser, error) { return bundle.Open(l.file) },
			saved: savedIndex(cache, file, l.file, l.diffID),
		})
	}
	return src, nil
}

func pick(all []*candidate, file, name string) (*candidate, error) {
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	var names []string
	full, _ := Normalize(name)
	for _, c := range all {
		if name != "" && (slices.Contains(c.names, full) || strings.HasPrefix(c.config.Digest.Encoded(), strings.TrimPrefix(name, "sha256:"))) {
			return c, nil
		}
		if len(c.names) == 0 {
			names = append(names, c.config.Digest.Encoded()[:12])
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

// lookInto opens a folder or an archive. An archive that is compressed, or
// comes through a FIFO, is copied to a nameless file first.
func lookInto(ctx context.Context, file string) (fs.FS, io.Closer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		f.Close()
		root, err := os.OpenRoot(file)
		return folder{root}, root, err
	}
	compressed := err == nil && !st.Mode().IsRegular()
	if err == nil && !compressed {
		compressed, err = isCompressed(f)
	}
	if err == nil && compressed {
		defer f.Close()
		f, err = copyAside(ctx, f)
	}
	if err != nil {
		return nil, nil, err
	}
	return openTar(f)
}

// copyAside decompresses a stream into a temporary file, which the kernel
// frees when it is closed.
func copyAside(ctx context.Context, from *os.File) (*os.File, error) {
	defer context.AfterFunc(ctx, func() { from.Close() })()
	plain, _, err := layers.Decompress(from)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	f, err := nameless(os.TempDir())
	if err == nil {
		if err = fillFrom(f, plain); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, hint.New(fmt.Errorf("decompress archive: %w", err), "TMPDIR names the folder for what is decompressed; or decompress it yourself")
	}
	return f, nil
}

func fillFrom(f *os.File, plain io.Reader) error {
	n, err := io.Copy(f, io.LimitReader(plain, maxBundle))
	if err == nil && n == maxBundle {
		err = fmt.Errorf("it is larger than %d bytes", int64(maxBundle))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return err
}

// nameless makes a file without a name (open(2), O_TMPFILE), or, where the
// file system knows no such thing, one that loses it at once.
func nameless(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return f, err
	}
	if f, err = os.CreateTemp(dir, "minictr-"); err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}

// savedIndex is where the index of a layer of an archive is kept: a name that
// no other state of the file has.
func savedIndex(cache, file, layer string, diffID digest.Digest) string {
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
	key := fmt.Sprintf("%d %d %d %v %v %s %s", st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim, diffID, layer)
	return filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256([]byte(key))))
}
