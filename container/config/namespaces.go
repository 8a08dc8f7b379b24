package config

// Namespaces decide which resources of the system are the container's own
// (namespaces(7)).
//
// The flag of a type shares the host's with the value "host". Mount and cgroup namespaces
// are always new: the container could have neither a root nor a cgroup tree of its own
// without them. A user namespace is made only with --userns CONTAINER:HOST:SIZE[,…]: the
// SIZE IDs from CONTAINER inside are the IDs from HOST outside (user_namespaces(7)).

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setNamespaces adds a new namespace of each type, unless its flag shares the host's.
func (b *builder) setNamespaces() error {
	for _, ns := range []struct {
		flag, value string
		kind        specs.LinuxNamespaceType
		new         string // values that ask for a new one
	}{
		{"--pid", b.o.PID, specs.PIDNamespace, "private"},
		{"--network", b.o.Network, specs.NetworkNamespace, "none"},
		{"--ipc", b.o.IPC, specs.IPCNamespace, "private none shareable"},
		{"--uts", b.o.UTS, specs.UTSNamespace, "private"},
	} {
		values := strings.Fields(ns.new)
		switch {
		case ns.value == "" || slices.Contains(values, ns.value):
			b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces, specs.LinuxNamespace{Type: ns.kind})
		case ns.value != "host":
			return hint.New(fmt.Errorf("%s %q: unknown", ns.flag, ns.value),
				fmt.Sprintf("%s takes %s or host", ns.flag, strings.Join(values, ", ")))
		}
	}
	b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces,
		specs.LinuxNamespace{Type: specs.MountNamespace},
		specs.LinuxNamespace{Type: specs.CgroupNamespace})
	if b.o.Userns == "" || b.o.Userns == "host" {
		return nil
	}
	return b.setUserNamespace()
}

func (b *builder) setUserNamespace() error {
	if b.o.Privileged {
		return hint.New(fmt.Errorf("--privileged and --userns exclude each other"),
			"a user namespace gives no privileges over the host: leave out one of them")
	}
	ids, err := parseIDMappings(b.o.Userns)
	if err != nil {
		return hint.New(fmt.Errorf("--userns %q: %w", b.o.Userns, err),
			"write CONTAINER:HOST:SIZE, as in --userns 0:100000:65536")
	}
	b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	b.spec.Linux.UIDMappings = ids
	b.spec.Linux.GIDMappings = slices.Clone(ids)
	return nil
}

func parseIDMappings(word string) ([]specs.LinuxIDMapping, error) {
	var ids []specs.LinuxIDMapping
	for one := range strings.SplitSeq(word, ",") {
		fields := strings.Split(one, ":")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q: not three numbers", one)
		}
		var n [3]uint32
		for i, field := range fields {
			v, err := strconv.ParseUint(field, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%q: not a 32-bit number", field)
			}
			n[i] = uint32(v)
		}
		inside, outside, size := n[0], n[1], n[2]
		if size == 0 || inside+size < inside || outside+size < outside {
			return nil, fmt.Errorf("range %q: empty, or beyond the last ID", one)
		}
		ids = append(ids, specs.LinuxIDMapping{ContainerID: inside, HostID: outside, Size: size})
	}
	return ids, nil
}

// isMapped reports whether id exists in the container: without a user namespace every
// ID does.
func isMapped(ids []specs.LinuxIDMapping, id uint32) bool {
	_, err := compile.HostID(id, ids)
	return err == nil
}
