// Beyond a plain container: devices of the config

package compile

import (
	"fmt"
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const noNode = "make the node on the host (mknod), or leave out the user namespace: it may make none"

// ownDevice checks a device of the config.
func ownDevice(d specs.LinuxDevice) (device, error) {
	if !path.IsAbs(d.Path) || path.Clean(d.Path) == "/" {
		return device{}, fmt.Errorf("path %q: not an absolute path of a file", d.Path)
	}
	if d.Major != int64(uint32(d.Major)) || d.Minor != int64(uint32(d.Minor)) {
		return device{}, fmt.Errorf("major, minor: %d:%d: more than 32 bits", d.Major, d.Minor)
	}
	own := device{path: path.Clean(d.Path), mode: 0o666, major: uint32(d.Major), minor: uint32(d.Minor)}
	switch d.Type {
	case "c", "u":
		own.kind = unix.S_IFCHR
	case "b":
		own.kind = unix.S_IFBLK
	case "p":
		own.kind, own.major, own.minor = unix.S_IFIFO, 0, 0
	default:
		return device{}, fmt.Errorf("type %q: want c, u, b or p", d.Type)
	}
	if d.FileMode != nil {
		own.mode = uint32(*d.FileMode) & 0o7777
	}
	if d.UID != nil {
		own.uid = *d.UID
	}
	if d.GID != nil {
		own.gid = *d.GID
	}
	return own, nil
}
