package index

// The digest of a file is in its index if the layer was read for that. An index that
// was written while the layer was unpacked has none: there the file is in the tree of
// the layer, and is hashed if somebody asks.

import (
	"crypto/sha256"
	"io"
)

var unknown [sha256.Size]byte

// Contents opens a file of a layer by the path of its entry.
type Contents func(path string) (io.ReadCloser, error)

// SetContents says where the files are whose digests are not in the index.
func (x *Index) SetContents(open Contents) {
	for i := range x.Entries {
		x.Entries[i].contents = &open
	}
}

// Digest returns the SHA-256 of the content of a file, and whether it is known.
func (e *Entry) Digest() (sum [sha256.Size]byte, known bool) {
	if e.Sum == unknown && e.Kind == File && e.contents != nil {
		e.Sum = hashFile(*e.contents, e)
	}
	return e.Sum, e.Sum != unknown
}

// hashFile returns the digest of a file, or unknown if it cannot be read or has another
// size.
func hashFile(open Contents, e *Entry) (sum [sha256.Size]byte) {
	f, err := open(e.Path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	hash := sha256.New()
	if n, err := io.Copy(hash, f); err != nil || n != e.Size {
		return unknown
	}
	hash.Sum(sum[:0])
	return sum
}
