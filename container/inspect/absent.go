package inspect

// Docker's fields for features that are not here. They are always empty, so that programs
// and templates that read them get what docker prints for a container without the feature.

// NetworkSettings describes the network: no port is published, and the network is none or
// host.
type NetworkSettings struct {
	Bridge, SandboxID      string
	HairpinMode            bool
	LinkLocalIPv6Address   string
	LinkLocalIPv6PrefixLen int
	Ports                  map[string][]PortBinding // by PORT/PROTOCOL
	SandboxKey             string                   // the container's network namespace
	SecondaryIPAddresses   []struct{}
	SecondaryIPv6Addresses []struct{}
	address
	Networks map[string]*Endpoint // by name: none or host
}

// Endpoint is a container's connection with a network.
type Endpoint struct {
	IPAMConfig     map[string]string
	Links, Aliases []string
	NetworkID      string
	address
	DriverOpts map[string]string
	DNSNames   []string
}

// address is the address of a container in a network.
type address struct {
	EndpointID, Gateway string
	GlobalIPv6Address   string
	GlobalIPv6PrefixLen int
	IPAddress           string
	IPPrefixLen         int
	IPv6Gateway         string
	MacAddress          string
}

// PortBinding is a published port of the host.
type PortBinding struct{ HostIp, HostPort string }

// absentConfig are fields of InspectedConfig.
type absentConfig struct {
	StdinOnce, ArgsEscaped, NetworkDisabled bool
	MacAddress                              string
	OnBuild, Shell                          []string
}

// absentHostConfig are fields of HostConfig.
type absentHostConfig struct {
	PortBindings                          map[string][]PortBinding
	PublishAllPorts                       bool
	VolumeDriver                          string
	Links                                 []string
	StorageOpt                            map[string]string
	ConsoleSize                           [2]int
	Cgroup, Isolation                     string
	DeviceRequests                        []struct{}
	CpuRealtimePeriod, CpuRealtimeRuntime int64
	KernelMemory, KernelMemoryTCP         int64
	MemorySwappiness                      *int64
	OomKillDisable                        *bool
	CpuCount, CpuPercent                  int64
	IOMaximumIOps, IOMaximumBandwidth     uint64
}
