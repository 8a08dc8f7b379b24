package systemd

import (
	"fmt"
	"path"
	"strings"
)

// Scope is a scope to be made.
type Scope struct {
	Slice string // the slice that it is in: "system.slice"
	Unit  string // its name: "docker-ID.scope"
	path  string // of its cgroup
}

// ParsePath returns the scope that linux.cgroupsPath names for a container: SLICE:PREFIX:NAME
// is PREFIX-NAME.scope in SLICE, as with runc and crun. Without a path it is
// minictr-ID.scope in system.slice.
func ParsePath(cgroupsPath, id string) (s Scope, err error) {
	if cgroupsPath == "" {
		cgroupsPath = ":minictr:" + id
	}
	parts := strings.Split(cgroupsPath, ":")
	if len(parts) != 3 { // runc's words
		return s, fmt.Errorf("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, "+
			"got %q instead", cgroupsPath)
	}
	s = Scope{Slice: parts[0], Unit: parts[1] + "-" + parts[2] + ".scope"}
	if s.Slice == "" {
		s.Slice = "system.slice"
	}
	dir, err := slicePath(s.Slice)
	if err != nil {
		return s, err
	}
	if parts[2] == "" || strings.Contains(s.Unit, "/") || len(s.Unit) > maxName {
		return s, fmt.Errorf("%q: not the name of a scope", s.Unit)
	}
	s.path = path.Join(dir, s.Unit)
	return s, nil
}

const maxName = 255 // UNIT_NAME_MAX of systemd, less the NUL

// Path returns the path of the scope's cgroup below the mount of cgroup2:
// "/system.slice/docker-ID.scope".
func (s *Scope) Path() string { return s.path }

// slicePath returns the path of a slice: the slice a-b.slice lies in a.slice, and -.slice is
// the root (systemd.slice(5)).
func slicePath(slice string) (string, error) {
	name, ok := strings.CutSuffix(slice, ".slice")
	if !ok || name == "" || strings.Contains(slice, "/") || len(slice) > maxName {
		return "", fmt.Errorf("%q: not the name of a slice", slice)
	}
	if name == "-" {
		return "/", nil
	}
	dir := "/"
	parts := strings.Split(name, "-")
	for i, part := range parts {
		if part == "" {
			return "", fmt.Errorf("%q: not the name of a slice", slice)
		}
		dir = path.Join(dir, strings.Join(parts[:i+1], "-")+".slice")
	}
	return dir, nil
}
