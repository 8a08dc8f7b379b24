// Package index lists what a layer holds, without unpacking it.
//
// The tar of a layer has no table of contents: all of it has to be read and,
// mostly, decompressed. So it is read once, and the result is kept as an index:
// one line for each entry, in the order of the tar, with its header and the
// SHA-256 of its content. An index is text of about a hundredth of the size of
// its layer, and takes as long to read.
//
// The rules:
//   - Memory grows with the number of names in a layer, never with the size of
//     its files. Both are bounded: see layers.DefaultLimits.
//   - A name is any bytes but NUL and "/", kept as it is in the tar. It must be
//     escaped before it is printed.
//   - An index says what the tar says. What its whiteouts do to the layers below
//     is package stack's.
//
// Package index does not know where layers or indexes are stored. To read the
// content of one file, use stack.ReadFiles; for a tree on disk, layers.Unpack.
//
// Reading order:
//
//	index.go   entries, and how they are read from a tar
//	text.go    the file format
//	writer.go  an index of a layer that is unpacked
//	digest.go  digests that are not in an index
//	upper.go   the upper directory of a container, as an index
package index
