package runtime

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// hostNodes returns the host's nodes of linux.devices, for compile.Options, by their paths in
// the container: of those with another path there, as with `podman run --device
// /dev/fuse:/dev/own`. Only a user namespace needs them. A device that the kernel does not
// name (sysfs(5), uevent) is left out.
func hostNodes(spec *specs.Spec) map[string]string {
	if spec.Linux == nil || !slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.UserNamespace
	}) {
		return nil
	}
	nodes := map[string]string{}
	for _, d := range spec.Linux.Devices {
		class, kind := "char", uint32(unix.S_IFCHR)
		switch d.Type {
		case "b":
			class, kind = "block", unix.S_IFBLK
		case "p":
			continue
		}
		if isNode(d.Path, kind, d.Major, d.Minor) {
			continue
		}
		event, _ := os.ReadFile(fmt.Sprintf("/sys/dev/%s/%d:%d/uevent", class, d.Major, d.Minor))
		for line := range strings.Lines(string(event)) {
			name, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVNAME=")
			if node := path.Join("/dev", name); ok && isNode(node, kind, d.Major, d.Minor) {
				nodes[path.Clean(d.Path)] = node
			}
		}
	}
	return nodes
}

// isNode reports whether a file is the device of these numbers.
func isNode(file string, kind uint32, major, minor int64) bool {
	var st unix.Stat_t
	return unix.Lstat(file, &st) == nil && st.Mode&unix.S_IFMT == kind &&
		unix.Major(st.Rdev) == uint32(major) && unix.Minor(st.Rdev) == uint32(minor)
}
