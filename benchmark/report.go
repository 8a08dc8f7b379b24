package benchmark

import (
	"slices"
	"time"
)

// Report is report.json: one entry for each measurement. Medians and slopes are
// computed from it, and are not in it.
type Report struct {
	Made    time.Time     `json:"made"`
	Took    time.Duration `json:"tookNS"`
	Options Options       `json:"options"`
	System  System        `json:"system"`
	Targets []Facts       `json:"targets"`
	Starts  []Start       `json:"starts"`
	Failed  []Failure     `json:"failed,omitempty"`
	Sizes   []Size        `json:"sizes"`
	Work    []Work        `json:"work"`
}

// Facts of a target.
type Facts struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Version  string `json:"version,omitempty"`
	Emulated bool   `json:"emulated"`          // without KVM
	LeftOut  string `json:"leftOut,omitempty"` // why figures are missing
	Seen     Answer `json:"seen"`              // the last answer of the workload
}

// Failure of a start, or of work inside, which was repeated.
type Failure struct {
	What   string `json:"what"` // the target
	Reason string `json:"reason"`
}

// Start of one instance.
type Start struct {
	Target    string  `json:"target"`
	Cold      bool    `json:"cold"`      // the page cache was dropped before
	Explained bool    `json:"explained"` // the tool printed each step: slower, and not among the others
	Order     int     `json:"order"`     // of all starts
	Phases    []Phase `json:"phases"`
}

// Took returns the time from the command to the first byte of the answer.
func (s Start) Took() (d time.Duration) {
	for _, p := range s.Phases {
		d += p.Took
	}
	return d
}

// Size is what N instances take that run at the same time; before the first, N is
// 0, and there are daemons, and the image or the box.
type Size struct {
	Target    string `json:"target"`
	N         int    `json:"n"`
	PSS       int64  `json:"pssBytes"`       // of all processes that serve them
	Daemons   int64  `json:"daemonsBytes"`   // the part of PSS of processes that serve all instances
	Cgroup    int64  `json:"cgroupBytes"`    // memory.current of their cgroups; -1 without one
	Available int64  `json:"availableBytes"` // MemAvailable of this computer
	Disk      int64  `json:"diskBytes"`
	Processes int    `json:"processes"`
}

// Work is how much was done in a second, in an instance and right before on the host.
type Work struct {
	Target string  `json:"target"`
	Kind   string  `json:"kind"` // of WorkKinds
	Inside float64 `json:"insidePerSecond"`
	Host   float64 `json:"hostPerSecond"`
}

// WorkKinds returns the kinds of work, as the workload names them, and what each shows.
func WorkKinds() [][2]string {
	return [][2]string{
		{"cpu", "finding primes: instructions alone"},
		{"calls", "getppid(2): into the kernel and back"},
		{"switches", "a byte to another process and back: the scheduler"},
	}
}

// Options say how much is measured.
type Options struct {
	Containers int           `json:"containers"` // warm starts of each container engine, and of a process
	Machines   int           `json:"machines"`   // warm starts of each kind of machine
	Cold       int           `json:"cold"`       // cold starts of each container engine
	ColdVM     int           `json:"coldMachines"`
	Counts     []int         `json:"counts"` // of instances at the same time
	CountsVM   []int         `json:"countsMachines"`
	Rounds     int           `json:"rounds"` // of each kind of work
	Work       time.Duration `json:"workNS"` // of one round
	Seed       uint64        `json:"seed"`   // of the order
}

// Less reports whether o is less than Full.
func (o Options) Less() bool {
	full := Full()
	return o.Containers < full.Containers || o.Machines < full.Machines ||
		o.Cold < full.Cold || o.ColdVM < full.ColdVM || o.Rounds < full.Rounds || o.Work < full.Work ||
		slices.Max(o.Counts) < slices.Max(full.Counts) || slices.Max(o.CountsVM) < slices.Max(full.CountsVM)
}

// Full is what the method asks for: at least 30 warm starts of containers, and
// 10 of machines.
func Full() Options {
	return Options{
		Containers: 30, Machines: 10, Cold: 10, ColdVM: 3,
		Counts: []int{1, 2, 3, 10}, CountsVM: []int{1, 2, 3, 10},
		Rounds: 5, Work: 500 * time.Millisecond, Seed: 1,
	}
}

// Quick is for a first look.
func Quick() Options {
	return Options{
		Containers: 8, Machines: 2, Cold: 2, ColdVM: 1,
		Counts: []int{1, 2, 3}, CountsVM: []int{1, 2},
		Rounds: 2, Work: 300 * time.Millisecond, Seed: 1,
	}
}

// Smallest is as little as gives every figure: for tests.
func Smallest() Options {
	return Options{
		Containers: 3, Machines: 1, Cold: 1, ColdVM: 1,
		Counts: []int{1, 2}, CountsVM: []int{1, 2},
		Rounds: 1, Work: 100 * time.Millisecond, Seed: 1,
	}
}

// amounts returns what is measured of a kind: warm and cold starts, and numbers
// of instances at the same time.
func (o Options) amounts(k Kind) (warm, cold int, counts []int) {
	if k == Machine {
		return o.Machines, o.ColdVM, o.CountsVM
	}
	return o.Containers, o.Cold, o.Counts
}
