// Package layers stores the layers of images on disk, each unpacked once.
//
// A layer is a tar archive of the difference between a filesystem and the one
// below it: new and changed files, and whiteouts (names that begin with
// ".wh.") for removed ones (image-spec, layer.md). Its name is its diff ID, the
// SHA-256 of the uncompressed tar. The diff ID does not depend on the layers
// below, so images that share a layer share its directory:
//
//	layers/sha256/<hex of the diff ID>/diff    the unpacked tree
//	layers/sha256/<hex of the diff ID>/size    bytes in its regular files
//	layers/<first 8 hex digits>                a symbolic link to …/diff
//
// overlayfs stacks such trees: lowerdir=top:…:bottom. fsconfig(2) takes at
// most 255 bytes for a string, hence the short links: with Dir as the working
// directory, a stack of 28 layers still fits.
//
// The rules:
//   - A layer is unpacked in a scratch directory and becomes visible by one
//     rename(2), after it was checked and synced. What is visible is whole.
//   - Every directory here has mode 0700: a layer holds setuid files, and only
//     root may reach them outside a container.
//   - A digest is validated before it becomes part of a path.
//   - No path of a tar or of a tree reaches the kernel unresolved: see unpack.go
//     and lookup.go.
//
// Package layers knows nothing of images, manifests, registries, containers or
// processes. To list what a layer holds, use package index; to compute the tree
// of several layers without mounting them, package stack. Both work without
// root and without a Store.
//
// Reading order:
//
//	store.go        directories and names on disk
//	compression.go  gzip, zstd, xz and bzip2
//	stream.go       decompressing and hashing a layer while it is read
//	magic.go        what a file is that is not a tar
//	whiteout.go     whiteouts in a tar and in overlayfs
//	unpack.go       a tar becomes a tree: directories and limits
//	entry.go        one entry becomes a file, directory, link or device
//	sparse.go       runs of zeros become holes
//	aufs.go         hard links of very old layers
//	xattr.go        which extended attributes are kept
//	times.go        modification times of directories
//	extract.go      a tar into an existing directory, for cp
//	lookup.go       one file of a stack of layers, without a mount
package layers
