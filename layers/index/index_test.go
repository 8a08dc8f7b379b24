package index

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// tarOf makes a tar of these headers. The content of a regular file is its name.
func tarOf(headers ...*tar.Header) []byte {
	var entries []testkit.Entry
	for _, h := range headers {
		e := testkit.Entry{Header: *h}
		if e.Typeflag == tar.TypeReg {
			e.Body, e.Size = h.Name, int64(len(h.Name))
		}
		entries = append(entries, e)
	}
	return testkit.Tar(entries...)
}

func read(t testing.TB, data []byte) *Index {
	t.Helper()
	x, err := Read(t.Context(), bytes.NewReader(data))
	testkit.Check(t, err)
	return x
}

// capability is an attribute as the kernel takes it, with bytes that are not UTF-8.
const capability = "\x01\x00\x00\x02\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// everything returns a layer with each type of entry, and names of any bytes.
func everything() []byte {
	then := time.Unix(1700000000, 123456789)
	return tarOf(
		&tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		&tar.Header{Typeflag: tar.TypeReg, Name: "bin/su", Mode: 0o4755, Uid: 12345, Gid: 3000000,
			ModTime: then, Format: tar.FormatPAX, PAXRecords: map[string]string{
				"SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.a b": "c\td"}},
		&tar.Header{Typeflag: tar.TypeLink, Name: "bin/sudo", Linkname: "bin/su"},
		&tar.Header{Typeflag: tar.TypeSymlink, Name: "sbin", Linkname: "bin\t\"\n"},
		&tar.Header{Typeflag: tar.TypeChar, Name: "dev/null", Devmajor: 1, Devminor: 3},
		&tar.Header{Typeflag: tar.TypeBlock, Name: "dev/sda", Devmajor: 8},
		&tar.Header{Typeflag: tar.TypeFifo, Name: "fifo"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "\x1b[31m\nred\xff\xfe", Format: tar.FormatGNU},
		&tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("n", 255)},
		&tar.Header{Typeflag: tar.TypeReg, Name: "etc/.wh.motd"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "etc/.wh..wh..opq"},
		&tar.Header{Typeflag: tar.TypeReg, Name: ".wh..wh.plnk"},
	)
}

func TestRead(t *testing.T) {
	data := everything()
	x := read(t, data)
	if x.DiffID != digest.FromBytes(data) || x.Blob != x.DiffID || x.BlobSize != int64(len(data)) {
		t.Errorf("layer %s, blob %s of %d bytes; want %s of %d bytes",
			x.DiffID, x.Blob, x.BlobSize, digest.FromBytes(data), len(data))
	}
	kinds := ""
	for _, e := range x.Entries {
		kinds += string(rune(e.Kind))
	}
	testkit.Equal(t, "kinds", kinds, "dfhlcbpffwo")
	su := x.Entries[1]
	if su.Path != "bin/su" || su.Mode != 0o4755 || su.UID != 12345 || su.GID != 3000000 ||
		su.Time.UnixNano() != 1700000000123456789 || su.Sum != sha256.Sum256([]byte("bin/su")) {
		t.Errorf("bin/su is %+v", su)
	}
	if len(su.Xattrs) != 2 || su.Xattrs["security.capability"] != capability {
		t.Errorf("bin/su has the xattrs %q", su.Xattrs)
	}
	if null := x.Entries[4]; null.Major != 1 || null.Minor != 3 {
		t.Errorf("dev/null is %d:%d", null.Major, null.Minor)
	}
	if gone, opaque := x.Entries[9].Path, x.Entries[10].Path; gone != "etc/motd" || opaque != "etc" {
		t.Errorf("whiteout of %q, opaque %q", gone, opaque)
	}
	if want := int64(len("bin/su") + len("\x1b[31m\nred\xff\xfe") + 255); x.Size != want {
		t.Errorf("files of %d bytes, want %d", x.Size, want)
	}
}

// Write and Parse keep an index, byte for byte.
func TestTextIsExact(t *testing.T) {
	x := read(t, everything())
	var text bytes.Buffer
	testkit.Check(t, x.Write(&text))
	if n := strings.Count(text.String(), "\n"); n != 1+len(x.Entries) {
		t.Errorf("%d lines for %d entries: a name has a line break", n, len(x.Entries))
	}
	again, err := Parse(&text)
	testkit.Check(t, err)
	for i := range x.Entries {
		a, b := &x.Entries[i], &again.Entries[i]
		if !a.Time.Equal(b.Time) {
			t.Errorf("%q: time %v became %v", a.Path, a.Time, b.Time)
		}
		a.Time, b.Time = time.Time{}, time.Time{}
	}
	if !reflect.DeepEqual(x, again) {
		t.Errorf("wrote %+v\nread %+v", x, again)
	}
}

// A truncated or extended index is an error.
func TestDamaged(t *testing.T) {
	x := read(t, everything())
	var b bytes.Buffer
	testkit.Check(t, x.Write(&b))
	text := b.String()
	for n := range len(text) {
		if _, err := Parse(strings.NewReader(text[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes are parsed", n, len(text))
		}
	}
	if _, err := Parse(strings.NewReader(text + "f")); err == nil {
		t.Error("bytes after the end are ignored")
	}
}

func TestEscapingNamesRefused(t *testing.T) {
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeReg, Name: "../etc/shadow"},
		{Typeflag: tar.TypeReg, Name: "a/../../etc/shadow"},
		{Typeflag: tar.TypeReg, Name: "a/.wh..."},
		{Typeflag: tar.TypeReg, Name: ".wh."},
		{Typeflag: tar.TypeReg, Name: "."},
		{Typeflag: tar.TypeSymlink, Name: "x"},
		{Typeflag: tar.TypeReg, Name: strings.Repeat("n", 256)},
		{Typeflag: tar.TypeReg, Name: strings.Repeat("directory/", 600) + "x"},
		{Typeflag: tar.TypeReg, Name: "x", Uid: -1, Format: tar.FormatGNU},
		{Typeflag: tar.TypeReg, Name: "x", Uid: 1<<32 - 1, Format: tar.FormatGNU},
		{Typeflag: tar.TypeChar, Name: "x", Devmajor: 1 << 33, Format: tar.FormatGNU},
	} {
		if x, err := Read(t.Context(), bytes.NewReader(tarOf(h))); err == nil {
			t.Errorf("%.40q, owner %d, device %d: taken as %+v", h.Name, h.Uid, h.Devmajor, x.Entries)
		}
	}
}

// FuzzRead reads any layer: that ends, and its index can be parsed.
func FuzzRead(f *testing.F) {
	f.Add(everything())
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("no tar"))
	for _, data := range testkit.SmallFiles(f, "../../../shared/images/torture/oci-zstd.tar", 4096) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Read(t.Context(), bytes.NewReader(data))
		if err != nil {
			return
		}
		var text bytes.Buffer
		testkit.Check(t, x.Write(&text))
		if _, err := Parse(bytes.NewReader(text.Bytes())); err != nil {
			t.Fatalf("%v: %s", err, text.String())
		}
	})
}

// FuzzParse parses any text: that returns an index or an error, and the index is
// written and parsed without a change.
func FuzzParse(f *testing.F) {
	var seed bytes.Buffer
	testkit.Check(f, read(f, everything()).Write(&seed))
	f.Add(seed.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		testkit.Check(t, x.Write(&first))
		again, err := Parse(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%v: %q", err, first.String())
		}
		testkit.Check(t, again.Write(&second))
		testkit.Equal(t, "written and read", second.String(), first.String())
	})
}
