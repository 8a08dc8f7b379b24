package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"slices"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A user namespace that is joined by its path has its mappings already (user_namespaces(7)):
// the config need not repeat them. A plan needs them all the same, to give files to the users
// of the container. Only a process of the namespace shows them, and the namespace may have
// none: it can be held by a bind mount of its file. So a process joins it, and is killed when
// they are read.

// ReadMappings sets linux.uidMappings and gidMappings to those of the user namespace that the
// config joins, if it does. Others in the config are an error.
func ReadMappings(spec *specs.Spec) error {
	i := -1
	if spec.Linux != nil {
		i = slices.IndexFunc(spec.Linux.Namespaces, joinsUserns)
	}
	if i < 0 {
		return nil
	}
	field := fmt.Sprintf("linux.namespaces[%d]", i)
	path := spec.Linux.Namespaces[i].Path
	uids, gids, err := mappingsOf(path)
	if err == nil && (len(uids) == 0 || len(gids) == 0) {
		err = fmt.Errorf("%s: user namespace without id mappings", path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	l := spec.Linux
	if len(l.UIDMappings)+len(l.GIDMappings) > 0 &&
		!(slices.Equal(l.UIDMappings, uids) && slices.Equal(l.GIDMappings, gids)) {
		return errors.New("linux.uidMappings, linux.gidMappings: not those of the user namespace that is joined: " +
			"leave them out")
	}
	l.UIDMappings, l.GIDMappings = uids, gids
	return nil
}

func joinsUserns(n specs.LinuxNamespace) bool { return n.Type == specs.UserNamespace && n.Path != "" }

// mappingsOf returns the mappings of the user namespace at path.
func mappingsOf(path string) (uids, gids []specs.LinuxIDMapping, err error) {
	p, err := compile.UsernsMember(path)
	if err != nil {
		return nil, nil, err
	}
	goruntime.LockOSThread() // whose end kills the process
	defer goruntime.UnlockOSThread()
	w, err := walk.Host(p, walk.Caller{})
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	pid, _ := w.Result("holder")
	uids, err = readMap(pid, "uid_map")
	if err == nil {
		gids, err = readMap(pid, "gid_map")
	}
	unix.Kill(pid, unix.SIGKILL)
	_, waitErr := WaitFor(pid)
	return uids, gids, errors.Join(err, waitErr)
}

// readMap reads a file of mappings, whose lines are: first id inside, first id outside,
// number of ids.
func readMap(pid int, name string) (maps []specs.LinuxIDMapping, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var m specs.LinuxIDMapping
		if _, err := fmt.Sscan(lines.Text(), &m.ContainerID, &m.HostID, &m.Size); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, lines.Text(), err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}
