package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (c *config) setNamespaces() error {
	for _, ns := range []struct {
		flag, value string
		kind        specs.LinuxNamespaceType
		dirMode     string
	}{
		{"--pid", c.o.PID, specs.PIDNamespace, "private"},
		{"--network", c.o.Network, specs.NetworkNamespace, "none"},
		{"--ipc", c.o.IPC, specs.IPCNamespace, "private"},
		{"--uts", c.o.UTS, specs.UTSNamespace, "private"},
	} {
		switch ns.value {
		case "", ns.dirMode:
			c.spec.Linux.Namespaces = append(c.spec.Linux.Namespaces, specs.LinuxNamespace{Type: ns.kind})
		case "host":
		default:
			return hint.New(fmt.Errorf("%s %q: not known", ns.flag, ns.value),
				fmt.Sprintf("%s takes %s or host; bridge networks and other containers' namespaces come later", ns.flag, ns.dirMode))
		}
	}
	c.spec.Linux.Namespaces = append(c.spec.Linux.Namespaces,
		specs.LinuxNamespace{Type: specs.MountNamespace},
		specs.LinuxNamespace{Type: specs.CgroupNamespace})
	if c.o.Userns == "" || c.o.Userns == "host" {
		return nil
	}
	return c.setUserNamespace()
}

func (c *config) setUserNamespace() error {
	if c.o.Privileged {
		return hint.New(fmt.Errorf("--privileged: no privileges over the host from within a user namespace"),
			"leave out --userns or --privileged")
	}
	ids, err := parseIDMappings(c.o.Userns)
	if err != nil {
		return hint.New(fmt.Errorf("--userns %q: %w", c.o.Userns, err),
			"write CONTAINER:HOST:SIZE, as in --userns 0:100000:65536")
	}
	c.spec.Linux.Namespaces = append(c.spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	c.spec.Linux.UIDMappings = ids
	c.spec.Linux.GIDMappings = slices.Clone(ids)
	return nil
}

func parseIDMappings(word string) ([]specs.LinuxIDMapping, error) {
	var ids []specs.LinuxIDMapping
	for one := range strings.SplitSeq(word, ",") {
		fields := strings.Split(one, ":")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q is not three numbers", one)
		}
		var n [3]uint32
		for i, field := range fields {
			v, err := strconv.ParseUint(field, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%q is not a number of 32 bits", field)
			}
			n[i] = uint32(v)
		}
		inside, outside, size := n[0], n[1], n[2]
		if size == 0 || inside+size < inside || outside+size < outside {
			return nil, fmt.Errorf("range %q is empty or ends beyond the last id", one)
		}
		ids = append(ids, specs.LinuxIDMapping{ContainerID: inside, HostID: outside, Size: size})
	}
	return ids, nil
}

// mapped reports whether id means anything in the container: without a user
// namespace every id does.
func mapped(ids []specs.LinuxIDMapping, id uint32) bool {
	_, err := compile.HostID(id, ids)
	return err == nil
}
