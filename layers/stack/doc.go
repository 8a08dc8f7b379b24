// Package stack computes the tree of several layers, as overlayfs would show it,
// from their indexes: nothing is unpacked or mounted, and no root is needed.
//
// A layer is the difference between a tree and the tree below. So each layer
// becomes a small tree of its own (tree.go), which is merged into the tree of
// the layers below (merge.go): a new name is added, an existing one is changed,
// and whiteouts and opaque directories delete. Each of these is recorded as a
// Change. What a layer did is what happened while it was merged.
//
// The bytes of a file belong to its inode, not to a name. An inode that lost its
// last name is still in the layer that added it, and is part of every download
// of the image: it is Hidden. So the sizes of all layers are the sum of the
// visible and the hidden bytes.
//
// Layers are numbered from 1, the lowest.
//
// Package stack knows nothing of images, stores or mounts. To run a container,
// mount layers.Store.Visible; a stack is for showing what layers hold, hide and
// waste.
//
// Reading order:
//
//	stack.go    inodes, names and the stack; looking up a path
//	tree.go     one layer becomes a tree
//	merge.go    a tree is merged into the stack: changes and hidden inodes
//	diff.go     the difference between two trees
//	waste.go    hidden bytes, layer by layer
//	ls.go       how inodes and removals are shown
//	extract.go  files of a stack, copied into a directory
package stack
