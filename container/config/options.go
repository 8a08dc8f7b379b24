package config

// Options are the flags of run as typed, in docker's spelling, not yet parsed. A nil
// pointer or an empty string is a flag that was not given.
type Options struct {
	Name                                                 string
	Interactive, TTY, Remove, ReadOnly, Init, Privileged bool

	Command    []string // what follows IMAGE
	Entrypoint *string  // "" clears the image's
	Env        []string // NAME=value, or NAME for the caller's own value
	EnvFiles   []string
	Workdir    string
	User       string   // USER[:GROUP], names or numbers
	GroupAdd   []string // names or numbers
	Attach     []string // stdin, stdout, stderr; none for all
	OOMScore   *int     // -1000 to 1000

	Hostname, Domainname       string
	AddHosts                   []string // HOST:IP
	DNS, DNSSearch, DNSOptions []string
	Expose                     []string // 80/tcp, which changes nothing but inspect

	Volumes     []string // -v
	VolumesFrom []string // CONTAINER[:ro]
	Mounts      []string // --mount
	Tmpfs       []string
	ShmSize     string   // 64m
	Devices     []string // /dev/fuse:/dev/fuse:rwm
	DeviceRules []string // c 10:229 rwm

	CapAdd, CapDrop []string
	SecurityOpt     []string

	Network, PID, IPC, UTS, Userns string

	Limits
	Ulimits []string // nofile=1024:4096
	Sysctls []string

	CIDFile string

	StopSignal  string
	StopTimeout *int   // seconds
	Restart     string // on-failure:5
	Labels      []string
	LabelFiles  []string
	Annotations []string
	LogDriver   string   // json-file, local, none
	LogOpts     []string // max-size=10m
	HealthOptions

	Without []string `json:",omitempty"` // parts that are left out (package without)
}

// HealthOptions are the flags --health-… as typed.
type HealthOptions struct {
	HealthCmd, HealthInterval, HealthTimeout, HealthStartPeriod, HealthStartInterval string
	HealthRetries                                                                    int
	NoHealthcheck                                                                    bool
}

// Limits are the flags for resource limits as typed, not yet parsed. A nil pointer or
// an empty string is a flag that was not given.
type Limits struct {
	Memory            string // 512m
	MemorySwap        string // memory and swap together
	MemoryReservation string

	CPUs                   string  // 1.5
	CPUPeriod              *uint64 // microseconds
	CPUQuota               *int64  // microseconds of each period
	CPUShares              *uint64
	CpusetCPUs, CpusetMems string // 0-2,7

	PidsLimit *int64

	BlkioWeight                     *uint64
	BlkioWeightDevices              []string // /dev/sda:500
	DeviceReadBps, DeviceWriteBps   []string // /dev/sda:1m, bytes a second
	DeviceReadIOps, DeviceWriteIOps []string // /dev/sda:100, requests a second
	HugetlbLimits                   []string // 2MB:64m
	CgroupConf                      []string // memory.high=48m: a file of the cgroup and its value
}
