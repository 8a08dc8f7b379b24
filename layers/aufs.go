package layers

// aufs, docker's first filesystem, had hard links between its layers by
// pseudolinks: the file is in the directory .wh..wh.plnk, and each of its names is
// a hard link to it (aufs(5), "Pseudo Link"). Layers of 2013 have them. The
// directory is metadata, which no container sees. So a pseudolink is unpacked
// beside the tree, linked into it under each of its names, and removed.

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

const pseudolinks = metaPrefix + "plnk/"

// pseudolinkName returns the name of a pseudolink in its directory, and whether the
// path is one.
func pseudolinkName(name string) (string, bool) {
	base, ok := strings.CutPrefix(name, pseudolinks)
	return base, ok && base != "" && !strings.Contains(base, "/")
}

// IsPseudolink reports whether the path of an entry is that of a pseudolink.
func IsPseudolink(name string) bool {
	_, ok := pseudolinkName(name)
	return ok
}

// pseudolink unpacks the file of a pseudolink.
func (u *unpacker) pseudolink(name string, h *tar.Header, body io.Reader) error {
	if u.pseudo < 0 {
		dir := u.pseudolinkDir()
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		fd, err := unix.Open(dir, openDir|unix.O_NOFOLLOW, 0)
		if err != nil {
			return sys("open", err)
		}
		u.pseudo = fd
	}
	return u.node(u.pseudo, path.Base(name), name, h, body)
}

// linkPseudolink gives a pseudolink a name in the tree.
func (u *unpacker) linkPseudolink(parent int, base, target string) error {
	name, _ := pseudolinkName(target)
	var err error = unix.ENOENT
	if u.pseudo >= 0 {
		err = unix.Linkat(u.pseudo, name, parent, base, 0)
	}
	if err != nil {
		return fmt.Errorf("link to %q in this layer: %w", target, err)
	}
	return nil
}

func (u *unpacker) pseudolinkDir() string { return filepath.Join(u.scratch, "pseudolinks") }

func (u *unpacker) removePseudolinks() error { return owned.RemoveAll(u.pseudolinkDir()) }
