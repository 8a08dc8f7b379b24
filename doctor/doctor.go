package doctor

// Status says how much a finding hinders.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning" // something of minictr does not work
	Error   Status = "error"   // `minictr run` does not work
	Untried Status = "untried" // nothing can be tried: without root, or in a directory of somebody else's
)

// Finding is the outcome of a check.
type Finding struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Found   string `json:"found"`             // one line: a version, a path, what failed
	Without string `json:"without,omitempty"` // what does not work
	Hint    string `json:"hint,omitempty"`    // what mends it: a command, where there is one
}

// check examines one matter; root is the directory of the store.
type check struct {
	name    string
	needs   need
	examine func(root string) []Finding
}

// need is what a check cannot be tried without.
type need int

const (
	nothing need = iota
	byRoot       // the capabilities of root
	inStore      // these, and a directory that minictr may write to
)

// checks are in the order of the report: what comes first explains what follows.
var checks = []check{
	{"root", nothing, checkRoot},
	{"kernel", nothing, checkKernel},
	{"namespaces", byRoot, checkNamespaces},
	{"user namespaces", byRoot, checkUserNamespaces},
	{"user namespaces of other users", nothing, checkUnprivileged},
	{"subordinate ids", nothing, checkSubordinateIDs},
	{"seccomp", nothing, checkSeccomp},
	{"cgroup2", byRoot, checkCgroup},
	{"controllers", nothing, checkControllers},
	{"store", nothing, checkStore},
	{"overlayfs", inStore, checkOverlay},
	{"idmapped layers", inStore, checkIdmappedLayers},
	{"file types", inStore, checkFileTypes},
	{"disk space", nothing, checkSpace},
	{"leftovers", nothing, checkLeftovers},
	{"network devices", byRoot, checkNetDevices},
	{"nftables", byRoot, checkNftables},
	{"IPv4 forwarding", nothing, checkForwarding},
	{"IPv6", nothing, checkIPv6},
	{"KVM", nothing, checkKVM},
}

// Examine makes all checks, for a store in the directory root.
func Examine(root string) (list []Finding) {
	mayMount, fault := isRoot(), storeFault(root)
	for _, c := range checks {
		switch {
		case c.needs != nothing && !mayMount:
			list = append(list, Finding{Name: c.name, Status: Untried, Found: "only root can try"})
		case c.needs == inStore && fault != nil:
			list = append(list, Finding{Name: c.name, Status: Untried, Found: root + " is not minictr's"})
		default:
			list = append(list, c.examine(root)...)
		}
	}
	return list
}

// Works reports whether `minictr run` can work.
func Works(list []Finding) bool {
	for _, f := range list {
		if f.Status == Error {
			return false
		}
	}
	return true
}
