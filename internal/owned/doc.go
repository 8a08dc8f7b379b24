// Package owned says what minictr may delete, and by which mark it knows that
// something is its own.
//
// The path of --root is what somebody has typed: it may lead to a project, to an
// image layout of another tool or to the directory of another runtime. So minictr
// deletes only what it has made, and knows that by these marks:
//
//	in a store, which has the mark "store" (load, pull)
//	  containers/ID          a directory of its user, named by an ID: 64 hexadecimal digits
//	  names/NAME             a symbolic link whose text is an ID without a container
//	  blobs/sha256/HEX       a regular file that no image refers to
//	  partial/HEX            a regular file
//	  layers/sha256/HEX      a directory that no image refers to
//	  layers/HEX             a symbolic link to one of those
//	  layers/.init-*         a directory of its user
//	  tmp/scratch-*          a directory of its user
//	  volumes/NAME, volumes/.new/NAME
//	                         a directory with the mark "volume"
//	in a directory of tasks or OCI containers, which has the mark "state" (create, start)
//	  .creating.*, .removed.*
//	                         a directory of its user
//	  NAME                   a directory whose state.json is a record of minictr
//	cgroups                  those that such a record names, unless it is a copy
//
// Beside those, a command removes files that it has made itself: temporary files, the
// file of --cidfile; and a benchmark the directory that it has made in $TMPDIR.
//
// A mark is the symbolic link ".minictr" in the directory: its text says what the
// directory is, and in which version. symlink(2) makes a link together with its text,
// so that no half-written mark exists. It is made first, while the directory is empty,
// or has nothing that a later command would take for its own. A mark that another user
// has made is none: root would do what that user wants.
//
// A directory is removed with RemoveAll, which neither follows a symbolic link nor
// enters a mount point. A test of this repository lists all calls that remove something.
//
// Read mark.go, remove.go.
package owned
