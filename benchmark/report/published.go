package report

// Published is a figure that others have measured, on other computers and in
// other ways: to compare orders of magnitude.
type Published struct {
	Project, What, Figure string
	Took                  float64 // nanoseconds; 0 if it is not a time
	Source, URL           string
}

func published() []Published {
	const (
		ms          = 1e6
		firecracker = "Firecracker's specification; Agache et al., NSDI 2020"
	)
	return []Published{
		{"LightVM", "boot of a unikernel in a virtual machine, on Xen", "2.3 ms", 2.3 * ms,
			"Manco et al., My VM is Lighter (and Safer) than your Container, SOSP 2017",
			"https://doi.org/10.1145/3132747.3132763"},
		{"crun", "a container that runs /bin/true, of 100 in 1.69 s (runc: 3.34 s)", "16.9 ms", 16.9 * ms,
			"crun's README", "https://github.com/containers/crun#performance"},
		{"youki", "create, start and delete of a container, caches dropped before " +
			"(runc there: 224.6 ms, crun: 47.3 ms)",
			"111.5 ms ± 11.6 ms", 111.5 * ms,
			"youki's README", "https://github.com/youki-dev/youki#-motivation"},
		{"Firecracker", "from the call that starts a microVM to its /sbin/init, with KVM: at most", "125 ms", 125 * ms,
			firecracker, "https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md"},
		{"Firecracker", "memory that a microVM needs beside its guest's own: at most", "5 MiB", 0,
			firecracker, "https://www.usenix.org/conference/nsdi20/presentation/agache"},
	}
}
