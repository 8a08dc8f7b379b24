// Package cp copies files between a container and its host, as docker cp does.
//
// A container is not trusted, and may run while it is copied from or to: what was a
// directory a moment ago is now a link to /etc/shadow. Rules:
//
//   - A tree is known by a descriptor of its root. Every path is looked up by openat2(2)
//     with RESOLVE_IN_ROOT, for which the container's / is the end of every ".." and the
//     start of every absolute link; a magic link, such as /proc/1/root, is never followed.
//   - A name is looked up once. What it led to is held by its descriptor, and inspected,
//     read and written through that, whatever becomes of the name.
//   - Nothing found in a container is run, loaded or believed: not its libraries, its
//     nsswitch.conf, its passwd. Owners are numbers.
//
// Every copy is a tar stream between two halves that know nothing of each other: one
// packs a file or directory under a name, the other unpacks it into a directory
// (layers.ExtractInto). Docker's rules decide which name and which directory. Memory does
// not grow with what is copied, but for the names of directories. The package knows trees,
// not containers: rootfs opens a container's root.
//
// Reading order: cp.go (Copy, Pack, Unpack), tree.go (paths), target.go (docker's rules),
// owner.go (user IDs), pack.go.
package cp
