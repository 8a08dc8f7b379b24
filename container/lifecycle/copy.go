package lifecycle

// A container without overlayfs (package without) has a copy of its image's files, in the
// directory that takes the changes of others.

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container/cp"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/runtime/compile"
	"golang.org/x/sys/unix"
)

// copyDir returns the directory of the copy, in that of the container.
func copyDir(dir string) string { return filepath.Join(dir, "upper") }

// copyImage copies the files of the image. The caller holds the lock.
func (c *created) copyImage() (err error) {
	root, err := rootfs.OpenImage(c.Container)
	if err != nil {
		return err
	}
	// The directory of the changes is a layer of what is copied: write beside it.
	beside := c.Path("copy")
	err = c.copyTree(root.Tree, beside)
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("copy the image: %w", err)
	}
	if err := unix.Rename(beside, copyDir(c.Dir)); err != nil { // os.Rename replaces no directory
		return fmt.Errorf("rename %s: %w", beside, err)
	}
	return nil
}

// copyTree copies all files of a tree into a new directory, with the owners that they have on
// the host.
func (c *created) copyTree(tree *cp.Tree, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root := &tar.Header{}
	if _, err := c.setOwner(root); err != nil {
		return err
	}
	if err := os.Chown(dir, root.Uid, root.Gid); err != nil {
		return err
	}
	to, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	// one end packs, the other unpacks; what either skips is an error
	r, w := io.Pipe()
	go func() {
		var skipped error
		incomplete, err := cp.Export(w, tree, &cp.Options{
			Archive: true, Skipped: joinTo(&skipped), Progress: func(int) {},
		})
		w.CloseWithError(errors.Join(incomplete, err, skipped))
	}()
	var skipped error
	err = layers.ExtractInto(r, layers.Destination{
		Dir: int(to.Fd()), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		Filter: c.setOwner, Skipped: joinTo(&skipped),
	})
	return errors.Join(err, r.Close(), skipped)
}

// joinTo returns a function that adds why a file, or an attribute of it, is skipped to err.
func joinTo(err *error) func(name string, why error) {
	return func(name string, why error) { *err = errors.Join(*err, fmt.Errorf("%s: %w", name, why)) }
}

// setOwner changes the owner of a file from the image's to that on the host.
func (c *created) setOwner(h *tar.Header) (use bool, err error) {
	uid, err := compile.HostID(uint32(h.Uid), c.spec.Linux.UIDMappings)
	if err != nil {
		return false, err
	}
	gid, err := compile.HostID(uint32(h.Gid), c.spec.Linux.GIDMappings)
	h.Uid, h.Gid = int(uid), int(gid)
	return true, err
}
