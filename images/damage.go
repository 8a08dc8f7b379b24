package images

// A power cut or a broken disk damages files: they are empty, cut off, or nonsense. What
// is damaged hinders no other image:
//
//   - An image whose manifest or config cannot be read is listed as damaged. Other
//     commands than list, rmi, pull and load fail for that image alone.
//   - Pull and load write again what is damaged, as if the store did not have it.
//   - What the documents refer to is unknown then. So nothing is collected while one
//     is damaged: neither blobs nor layers.
//   - Repair (repair.go) removes a damaged image, unless a container uses it.

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/hint"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const hintRepair = "minictr fsck --repair"

// errDamaged is in the error for a damaged image, and for a damaged index.json.
var errDamaged = errors.New("damaged")

// damaged returns the error for an image that cannot be read.
func damaged(d ocispec.Descriptor, err error) error {
	name := shownName(d)
	err = fmt.Errorf("image %s is %w: %w", name, errDamaged, err)
	return hint.New(err, "pull or load it again, or remove it with: "+hintRepair)
}

// shownName returns the familiar name of an entry of the index, or the digest of its
// manifest.
func shownName(d ocispec.Descriptor) string {
	if nameOf(d) == "" {
		return d.Digest.String()
	}
	return Familiar(nameOf(d))
}

// hasBlob reports whether the store has a file of the right size for a blob.
func hasBlob(s *Store, d ocispec.Descriptor) bool {
	st, err := os.Lstat(s.blobPath(d.Digest))
	return err == nil && st.Mode().IsRegular() && st.Size() == d.Size
}
