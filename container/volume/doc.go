// Package volume is the volumes of a store: directories of files that containers mount, and
// that outlive them.
//
//	volumes/NAME/.minictr     the mark that the directory is minictr's (package owned)
//	volumes/NAME/volume.json  its record (Volume)
//	volumes/NAME/_data        its files, as in docker
//	volumes/.new/NAME         a volume that is being made or removed; locked meanwhile
//
// A volume is made in .new, filled there, and then renamed: a command that is killed leaves no
// volume or a whole one. It is removed in the same way: it is renamed first. What is left in
// .new the next command of the same volume removes, or gc.
//
// Rules for callers:
//
//   - A container's creator holds the lock of volumes/ shared (Lock) until the container is
//     seen by others; who removes a volume holds it exclusively, and has looked for users. So
//     no volume is removed between its making and its use.
//   - The files are written by containers: a path in a volume is looked up inside it (OpenIn).
//
// The package knows directories; it does not know containers, images or mounts.
//
// Read volume.go, make.go, remove.go, copy.go.
package volume
