// Core 7 of 28: the list of steps while it is written
//
// Compiling appends steps to a list. A builder has three fields: the config, decisions
// that several parts share (shape.go), and the list.
//
// Rules:
//
//   - A part of the plan, such as (*builder).pivot, is a method of builder: it
//     decides what is to be done. Helpers are functions of list: they do it.
//   - begin comes before the first step of a part; it names the field of the config
//     that asks for the steps that follow.
//   - host and container append a step for that side, with the sentence that `minictr
//     plan` prints. Package call returns the steps: call.Openat returns an openat(2).

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// builder writes a plan.
type builder struct {
	spec  *specs.Spec // spec.Linux is never nil
	shape shape
	list
}

// list is the plan so far, and the part and field of the next step.
type list struct {
	plan       plan.Plan
	part, from string
	made       []string // directories in the container's root that an earlier step makes
}

// usualSteps is the capacity of a new list: most plans fit, so that it is never copied.
const usualSteps = 400

func newBuilder(spec *specs.Spec, o Options, f *seccomp.Filter, mounts []mount) *builder {
	s := *spec
	if s.Linux == nil {
		s.Linux = &specs.Linux{}
	}
	b := &builder{spec: &s, shape: newShape(&s, o, f, mounts)}
	b.plan.Steps = append(make([]plan.Step, 0, usualSteps), o.Before...)
	return b
}

// compile calls the parts in their order.
func (b *builder) compile(parts ...func() error) (*plan.Plan, error) {
	for _, part := range parts {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return b.edited()
}

// begin opens a part of the plan; from is the field of the config that asks for it.
func (l *list) begin(part, from string) { l.part, l.from = part, from }

func (l *list) host(why string, s plan.Step)      { l.add(plan.Host, why, s) }
func (l *list) container(why string, s plan.Step) { l.add(plan.Container, why, s) }

func (l *list) add(side plan.Side, why string, s plan.Step) {
	s.Side, s.Why, s.Part, s.From = side, why, l.part, l.from
	l.plan.Steps = append(l.plan.Steps, s)
}

// sync makes the child wait for the host: it writes one byte into a pipe that the
// host reads, and reads the answer from another.
func (l *list) sync(why string, at plan.SyncPoint) {
	l.container(why, report(at))
	l.await("wait for the host's answer; if the host has died, read returns 0 bytes and this step fails", at)
}

// await makes the child read the host's answer, and expect that byte in the buffer, which
// is argument 1 of read(2). When the host is killed, read(2) returns 0 bytes, and the
// step fails.
func (l *list) await(why string, answer plan.SyncPoint) {
	s := call.ReadByte(plan.ResumeRead)
	s.Expect = &plan.Expect{Arg: 1, Mask: 0xff, Value: uint64(answer)}
	l.container(why, s)
}

// report writes a byte to the host. When the host is killed, the pipe has no reader,
// and write(2) fails with EPIPE.
func report(at plan.SyncPoint) plan.Step { return call.Write(plan.ReportWrite, string(rune(at))) }

// Names of results that several parts use. Each is a file descriptor.
const (
	cgroupFd  = plan.Ref("cgroup")  // the directory of the container's cgroup
	root      = plan.Root           // the mount that becomes the container's "/"
	overlayFs = plan.Ref("overlay") // overlayfs that is being configured
	target    = plan.Ref("target")  // the file or directory to mount on
	dev       = plan.Ref("dev")     // the container's /dev
	null      = plan.Ref("null")    // its /dev/null
	nowhere   = plan.Ref("nowhere") // null(4) for streams
	tty       = plan.Ref("tty")     // the container's end of its terminal
)

// mountRef is the descriptor of mounts[i].
func mountRef(i int) plan.Ref { return plan.Ref(mountField(i)) }
