package doctor

// Status says how much a finding hinders.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning" // something of minictr does not work
	Error   Status = "error"   // `minictr run` does not work
	Untried Status = "untried" // only root can try
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
	name     string
	needRoot bool
	examine  func(root string) []Finding
}

// checks are in the order of the report: what comes first explains what follows.
var checks = []check{
	{"root", false, checkRoot},
	{"kernel", false, checkKernel},
	{"namespaces", true, checkNamespaces},
	{"user namespaces", true, checkUserNamespaces},
	{"user namespaces of other users", false, checkUnprivileged},
	{"subordinate ids", false, checkSubordinateIDs},
	{"seccomp", false, checkSeccomp},
	{"cgroup2", true, checkCgroup},
	{"controllers", false, checkControllers},
	{"overlayfs", true, checkOverlay},
	{"idmapped layers", true, checkIdmappedLayers},
	{"file types", true, checkFileTypes},
	{"disk space", false, checkSpace},
	{"leftovers", false, checkLeftovers},
	{"network devices", true, checkNetDevices},
	{"nftables", true, checkNftables},
	{"IPv4 forwarding", false, checkForwarding},
	{"IPv6", false, checkIPv6},
	{"KVM", false, checkKVM},
}

// Examine makes all checks, for a store in the directory root.
func Examine(root string) (list []Finding) {
	for _, c := range checks {
		if c.needRoot && !isRoot() {
			list = append(list, Finding{Name: c.name, Status: Untried, Found: "only root can try"})
			continue
		}
		list = append(list, c.examine(root)...)
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
