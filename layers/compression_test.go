package layers

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// compressions returns data in each form that Decompress knows, by its name.
func compressions(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	testkit.Check(t, err)
	z := enc.EncodeAll(data, nil)
	return map[string][]byte{
		"gzip":                   testkit.Gzip(data),
		"zstd":                   z,
		"zstd, a frame to skip":  append([]byte("\x5f\x2a\x4d\x18\x03\x00\x00\x00abc"), z...),
		"xz":                     testkit.Filter(t, data, "xz"),
		"xz, several blocks":     testkit.Filter(t, data, "xz", "--block-size=4096"),
		"xz, for x86":            testkit.Filter(t, data, "xz", "--x86", "--lzma2"),
		"xz, several streams":    append(testkit.Filter(t, data, "xz"), testkit.Filter(t, nil, "xz", "-0")...),
		"bzip2":                  testkit.Filter(t, data, "bzip2"),
		"bzip2, several streams": append(testkit.Filter(t, data, "bzip2"), testkit.Filter(t, nil, "bzip2")...),
	}
}

func TestCompressions(t *testing.T) {
	testkit.NeedRoot(t)
	plain := testkit.Tar(file("a", "1"), file("b", strings.Repeat("text ", 4000)))
	for name, blob := range compressions(t, plain) {
		u, err := unpackBytes(t, blob)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kind, _, _ := strings.Cut(name, ",")
		if u.Blob != digest.FromBytes(blob) || u.DiffID != digest.FromBytes(plain) || string(u.Compression) != kind {
			t.Errorf("%s: blob %s, diff ID %s, compression %s", name, u.Blob, u.DiffID, u.Compression)
		}
	}
}

// The end of the tar is in the stream, but not the end of the stream.
func TestTruncatedStreamRefused(t *testing.T) {
	testkit.NeedRoot(t)
	plain := testkit.Tar(file("a", strings.Repeat("text ", 4000)))
	for name, blob := range compressions(t, plain) {
		if strings.Contains(name, "several streams") {
			continue
		}
		for _, cut := range []int{1, 4, len(blob) / 2} {
			if _, err := unpackBytes(t, blob[:len(blob)-cut]); err == nil {
				t.Errorf("%s without its last %d bytes: unpacked", name, cut)
			}
		}
	}
}

// The format of xz allows a dictionary of 4 GiB, which a reader has to allocate.
func TestLargeDictionaryRefused(t *testing.T) {
	for _, bits := range []byte{0, 22, 30, 31, 32, 40} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		plain, _, err := Decompress(bytes.NewReader(xzOfDictionary(bits)))
		if err == nil {
			_, err = io.Copy(io.Discard, plain)
		}
		runtime.ReadMemStats(&after)
		size := int64(2|bits&1) << (bits/2 + 11)
		if bits == 40 {
			size = 1<<32 - 1
		}
		if (err == nil) != (size <= maxWindow) {
			t.Errorf("dictionary of %d bytes: %v", size, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > maxWindow+1<<20 {
			t.Errorf("dictionary of %d bytes: %d bytes of memory", size, used)
		}
	}
}

// xzOfDictionary returns an empty xz stream of one block. Its LZMA2 filter asks for a
// dictionary of this size (xz-file-format.txt, 5.3.1).
func xzOfDictionary(bits byte) []byte {
	sum := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
	block := sum([]byte{2, 0, 0x21, 1, bits, 0, 0, 0})
	index := sum([]byte{0, 1, 17, 0}) // one block: 12 bytes of header, 1 of LZMA2, 4 of CRC32; 0 uncompressed
	stream := append([]byte("\xfd7zXZ\x00"), 0, 1)
	stream = binary.LittleEndian.AppendUint32(stream, crc32.ChecksumIEEE(stream[6:]))
	stream = append(stream, block...)
	stream = append(stream, 0, 0, 0, 0) // the end of LZMA2, padding
	stream = append(stream, 0, 0, 0, 0) // the CRC32 of nothing
	stream = append(stream, index...)
	footer := []byte{1, 0, 0, 0, 0, 1}
	stream = binary.LittleEndian.AppendUint32(stream, crc32.ChecksumIEEE(footer))
	return append(append(stream, footer...), "YZ"...)
}

// The error for a file that is no tar says what it is.
func TestNotATar(t *testing.T) {
	testkit.NeedRoot(t)
	text := strings.Repeat("x", 600)
	bzip2ed := testkit.Filter(t, testkit.Tar(file("a", text)), "bzip2")
	for head, want := range map[string]string{
		"PK\x03\x04" + text:                         "it is a zip archive",
		"7z\xbc\xaf\x27\x1c" + text:                 "it is a 7z archive",
		"]\x00\x00\x80\x00" + text:                  "it is compressed with lzma",
		"\x04\x22\x4d\x18" + text:                   "it is compressed with lz4",
		"\x7fELF" + text:                            "it is an ELF program",
		`{"schemaVersion": 2}`:                      "it is JSON",
		"<!DOCTYPE html>" + text:                    "it is HTML or XML",
		"\n  404 page not found\n":                  "it is text",
		"\x01\x02\x00\x03" + text:                   "it begins with 01020003",
		"BZh is the name of a file\n":               "it is text",
		string(bzip2ed[:len(bzip2ed)/2]):            "truncated",
		string(testkit.Tar(file("a", text)))[:1024]: "truncated",
	} {
		_, err := unpackBytes(t, []byte(head))
		testkit.WantError(t, fmt.Sprintf("%.12q", head), err, want)
	}
	damaged := append(testkit.Tar(file("a", "x"))[:1024], text...)
	_, err := unpackBytes(t, damaged)
	testkit.WantError(t, "damaged", err, "no header after 1 entries")
}

func unpackBytes(t *testing.T, data []byte) (*Unpacked, error) {
	t.Helper()
	return Unpack(t.Context(), bytes.NewReader(data), filepath.Join(t.TempDir(), "l"))
}
