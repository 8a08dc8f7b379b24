package lessons

import (
	"cmp"
	"slices"
	"strings"
)

// checkRoot: the first process of the container "least" is root, with one capability.
func checkRoot(w *Work) error {
	const want = "CAP_NET_BIND_SERVICE"
	_, v, err := w.Container("least")
	if err != nil {
		return err
	}
	switch {
	case v.UIDs[1] != 0:
		return missing("the task says root, which is user 0", "the container's process is of user %d", v.UIDs[1])
	case !slices.Contains(v.Caps.Effective, want):
		return missing("the one that a web server needs is missing; man 7 capabilities, and search for: port",
			"effective capabilities: %s", cmp.Or(strings.Join(v.Caps.Effective, " "), "none"))
	case len(v.Caps.Effective) > 1 || len(v.Caps.Permitted) > 1 || len(v.Caps.Bounding) > 1:
		return missing("minictr inspect --kernel least",
			"it has more capabilities than that one: there are %d in its bounding set", len(v.Caps.Bounding))
	}
	return nil
}
