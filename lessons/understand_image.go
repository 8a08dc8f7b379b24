package lessons

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/proc"
)

// checkImage: the containers "one" and "two" have the same lower directories, and the file
// /srv/list differs from the image's in "one" alone.
func checkImage(w *Work) error {
	lists, lowers := map[string]string{}, map[string]string{}
	for _, name := range []string{"one", "two"} {
		pid, v, err := w.Container(name)
		if err != nil {
			return err
		}
		if lowers[name], err = lowerDirs(name, v); err != nil {
			return err
		}
		if lists[name], err = readBelow(fmt.Sprintf("/proc/%d/root", pid), "srv/list"); err != nil {
			return missing("minictr exec "+name+" ls /srv", "container %q: %v", name, err)
		}
	}
	switch {
	case lowers["one"] != lowers["two"]:
		return missing("both containers have the same image; minictr ps", `the layers of "one" and "two" differ`)
	case lists["one"] == srvList:
		return missing("minictr exec one cat /srv/list", `/srv/list is in "one" as in the image`)
	case lists["two"] != srvList:
		return missing("a change in one container is not seen in the other: who has changed it in two?",
			`/srv/list is in "two" not as in the image`)
	}
	return nil
}

// lowerDirs returns the lower directories of a container's root, as the kernel writes them.
func lowerDirs(name string, v *proc.View) (string, error) {
	root := mountAt(v, "/")
	if root == nil || root.Type != "overlay" {
		return "", missing("minictr run IMAGE …", "the root of %q is not an overlay", name)
	}
	var lower []string
	for option := range strings.SplitSeq(root.Super, ",") {
		if strings.HasPrefix(option, "lowerdir") {
			lower = append(lower, option)
		}
	}
	return strings.Join(lower, ","), nil
}

// mountAt returns the mount that a process sees at a path: the last one there.
func mountAt(v *proc.View, path string) (m *proc.Mount) {
	for i := range v.Mounts {
		if v.Mounts[i].Mountpoint == path {
			m = &v.Mounts[i]
		}
	}
	return m
}
