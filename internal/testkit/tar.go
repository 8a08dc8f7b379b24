package testkit

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
)

// Entry is a file in a tar archive, as its header says: a hostile one is made as
// easily as any.
type Entry struct {
	tar.Header
	Body string
}

// Dir is a directory.
func Dir(name string, mode int64) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}}
}

// File is a regular file.
func File(name string, mode int64, body string) Entry {
	return Entry{Header: tar.Header{Name: name, Mode: mode}, Body: body}
}

// Link is a symbolic link.
func Link(name, target string) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

// Node is a device or a FIFO.
func Node(kind byte, name string, major, minor int64) Entry {
	return Entry{Header: tar.Header{Typeflag: kind, Name: name, Mode: 0o666, Devmajor: major, Devminor: minor}}
}

// Tar returns the archive. An entry without a type is a regular file, as long as
// its body. It panics if archive/tar cannot write an entry.
func Tar(entries ...Entry) []byte {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	for _, e := range entries {
		if e.Typeflag == 0 {
			e.Typeflag, e.Size = tar.TypeReg, int64(len(e.Body))
		}
		must(w.WriteHeader(&e.Header))
		_, err := w.Write([]byte(e.Body))
		must(err)
	}
	must(w.Close())
	return archive.Bytes()
}

// SmallFiles returns the regular files of at most max bytes in a tar, which need not
// exist: seeds of a fuzz target.
func SmallFiles(t testing.TB, path string, max int64) (files [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	Check(t, err)
	defer f.Close()
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return files
		}
		Check(t, err)
		if h.Typeflag != tar.TypeReg || h.Size > max {
			continue
		}
		data, err := io.ReadAll(archive)
		Check(t, err)
		files = append(files, data)
	}
}
