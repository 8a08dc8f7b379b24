package without

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// usernsPath is the user namespace of the outer host, as the config names it. @init stands
// for the number of the outer host's init.
const usernsPath = "/proc/@init/ns/user"

// Config leaves parts out of the config of a container, and lets it join the user namespace of
// the outer host. The config is one that Options has made the options for. origin no longer says
// that --userns asks for that namespace. What is bound but for the container's own files and
// volumes is an error: it is of the computer.
func Config(spec *specs.Spec, origin config.Origin, host config.Host, parts []string) error {
	set := Set(parts)
	if len(set) == 0 {
		return nil
	}
	if err := checkSources(spec.Mounts, host); err != nil {
		return err
	}
	delete(origin, "linux.uidMappings")
	delete(origin, "linux.gidMappings")

	// namespaces: one that is not in the config is inherited, here from the outer host
	l := spec.Linux
	l.Namespaces = slices.DeleteFunc(l.Namespaces, func(n specs.LinuxNamespace) bool {
		return set.has(partOf(n.Type))
	})
	for i := range l.Namespaces {
		if l.Namespaces[i].Type == specs.UserNamespace {
			l.Namespaces[i].Path = usernsPath
		}
	}

	if set.has(utsNS) {
		spec.Hostname = ""
	}

	// filesystems
	for part, dir := range map[string]string{proc: "/proc", dev: "/dev"} {
		if set.has(part) {
			spec.Mounts = slices.DeleteFunc(spec.Mounts, func(m specs.Mount) bool {
				return strings.HasPrefix(path.Clean(m.Destination)+"/", dir+"/")
			})
		}
	}
	// the kernel parameters that every container has
	maps.DeleteFunc(l.Sysctl, func(name, _ string) bool {
		return set.has(proc) || set.has(netNS) && isNetwork(name)
	})
	if set.has(masks) {
		l.MaskedPaths, l.ReadonlyPaths = nil, nil
	}

	// what the program may do
	if set.has(capabilities) {
		all := slices.Clone(call.Capabilities[:])
		spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all}
	}
	if set.has(seccomp) {
		l.Seccomp = nil
	}
	if set.has(noNewPrivs) {
		spec.Process.NoNewPrivileges = false
	}
	return nil
}

// checkSources refuses bind mounts of the computer's files. The container's own are those in its
// directory, and volumes: as no flag names one, the image asks for them.
func checkSources(mounts []specs.Mount, host config.Host) error {
	for i, m := range mounts {
		isBind := m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
		isOwn := func(dir string) bool { return strings.HasPrefix(m.Source, dir) }
		if isBind && !isOwn(host.FilesDir+"/") && !isOwn(host.VolumeDir+"/") && !isOwn(compile.RootSource) {
			return fmt.Errorf("mounts[%d]: %s: --without: it is of this computer", i, m.Source)
		}
	}
	return nil
}

// partOf names the part that a namespace is. The user namespace stays: without the part it is
// that of the outer host, too.
func partOf(kind specs.LinuxNamespaceType) string {
	switch kind {
	case specs.MountNamespace:
		return mountNS
	case specs.PIDNamespace:
		return pidNS
	case specs.NetworkNamespace:
		return netNS
	case specs.UTSNamespace:
		return utsNS
	case specs.IPCNamespace:
		return ipcNS
	case specs.CgroupNamespace:
		return cgroupNS
	}
	return ""
}
