// A config is refused, with the name of the field, if it asks for something that no step
// is made for. A container without it would look as if it had it.

package compile

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// check checks the whole config before it is compiled.
func check(s *specs.Spec) error {
	if !strings.HasPrefix(s.Version, "1.") {
		return fmt.Errorf("ociVersion: %q: want 1.x (runtime-spec, config.md)", s.Version)
	}
	if s.Root == nil || s.Root.Path == "" {
		return errors.New("root.path: must not be empty")
	}
	if err := checkStrings(s); err != nil {
		return err
	}
	if err := firstSet(refused(s)); err != nil {
		return err
	}
	for i, m := range s.Mounts {
		if err := checkBelowProc(destination(m)); err != nil {
			return fmt.Errorf("%s: %w", mountField(i), err)
		}
	}
	return checkNamespaces(s)
}

// checkBelowProc refuses mounts in procfs but for files that programs like
// lxcfs put there: programs trust what is in /proc.
func checkBelowProc(destination string) error {
	file, below := strings.CutPrefix(destination, "/proc/")
	if !below {
		return nil
	}
	switch file {
	case "cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime",
		"sys/crypto/fips_enabled", "sys/kernel/ns_last_pid":
		return nil
	}
	return fmt.Errorf("destination %q: inside /proc", destination)
}

// withoutProgram returns the config with an empty process: the container can be created,
// but not started.
func withoutProgram(spec *specs.Spec) *specs.Spec {
	s := *spec
	s.Process = &specs.Process{Cwd: "/"}
	return &s
}

// checkProcess checks a process: the container's, or another one for it.
func checkProcess(p *specs.Process) error {
	if p == nil || len(p.Args) == 0 {
		return errors.New("process.args: must not be empty")
	}
	if !strings.HasPrefix(p.Cwd, "/") {
		return fmt.Errorf("process.cwd: %q: not an absolute path", p.Cwd)
	}
	if err := firstSet([]refusal{
		{"process.commandLine", p.CommandLine != ""},
		{"process.user.username", p.User.Username != ""},
	}); err != nil {
		return err
	}
	if err := checkUser(&p.User); err != nil {
		return fmt.Errorf("process.user.%w", err)
	}
	if a := p.ExecCPUAffinity; a != nil {
		for name, list := range map[string]string{"initial": a.Initial, "final": a.Final} {
			if _, err := parseMask(list); list != "" && err != nil {
				return fmt.Errorf("process.execCPUAffinity.%s: %w", name, err)
			}
		}
	}
	if err := checkNul(map[string][]string{
		"process.args": p.Args, "process.env": p.Env, "process.cwd": {p.Cwd},
		"process.apparmorProfile": {p.ApparmorProfile}, "process.selinuxLabel": {p.SelinuxLabel},
	}); err != nil {
		return err
	}
	if err := checkEnv(p.Env); err != nil {
		return fmt.Errorf("process.%w", err)
	}
	return nil
}

// checkUser refuses the number that means "as it is" to setresuid(2): the process
// would stay root.
func checkUser(u *specs.User) error {
	const asItIs = math.MaxUint32
	switch {
	case u.UID == asItIs:
		return fmt.Errorf("uid: %d: not a user id", u.UID)
	case u.GID == asItIs:
		return fmt.Errorf("gid: %d: not a group id", u.GID)
	case slices.Contains(u.AdditionalGids, asItIs):
		return fmt.Errorf("additionalGids: %d: not a group id", uint32(asItIs))
	}
	return nil
}

func checkEnv(env []string) error {
	for _, e := range env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return fmt.Errorf("env: %s: not of the form NAME=value", printable.Quote(e))
		}
	}
	return nil
}

type refusal struct {
	field string
	set   bool
}

func firstSet(list []refusal) error {
	for _, r := range list {
		if r.set {
			return fmt.Errorf("%s: not implemented", r.field)
		}
	}
	return nil
}

func refused(s *specs.Spec) []refusal {
	list := []refusal{
		{"solaris", s.Solaris != nil},
		{"windows", s.Windows != nil},
		{"vm", s.VM != nil},
		{"zos", s.ZOS != nil},
		{"freebsd", s.FreeBSD != nil},
	}
	l := s.Linux
	if l == nil {
		return list
	}
	return append(list, []refusal{
		{"linux.intelRdt", l.IntelRdt != nil},
	}...)
}

func checkNamespaces(s *specs.Spec) error {
	seen := map[specs.LinuxNamespaceType]bool{}
	if l := s.Linux; l != nil {
		for i, n := range l.Namespaces {
			field := fmt.Sprintf("linux.namespaces[%d]", i)
			switch {
			case n.Path != "" && !strings.HasPrefix(n.Path, "/"):
				return fmt.Errorf("%s: path %q: not absolute", field, n.Path)
			case seen[n.Type]:
				return fmt.Errorf("%s: duplicate type %q", field, n.Type)
			case !known(n.Type):
				return fmt.Errorf("%s: type %q: not implemented", field, n.Type)
			}
			seen[n.Type] = true
		}
		mapped := len(l.UIDMappings)+len(l.GIDMappings) > 0
		if mapped != seen[specs.UserNamespace] {
			return errors.New("linux.uidMappings, linux.gidMappings: require a user namespace, and it requires them")
		}
	}
	if s.Hostname+s.Domainname != "" && !seen[specs.UTSNamespace] {
		return errors.New("hostname, domainname: require a UTS namespace")
	}
	return nil
}

func known(kind specs.LinuxNamespaceType) bool {
	return flagOf(kind) != 0
}

// checkStrings refuses NUL bytes: the kernel would read the string only up to
// there, and use another one than was checked.
func checkStrings(s *specs.Spec) error {
	fields := map[string][]string{
		"hostname": {s.Hostname}, "domainname": {s.Domainname}, "root.path": {s.Root.Path},
	}
	for i, m := range s.Mounts {
		fields[mountField(i)] = append([]string{m.Destination, m.Source, m.Type}, m.Options...)
	}
	if l := s.Linux; l != nil {
		fields["linux.maskedPaths"], fields["linux.readonlyPaths"] = l.MaskedPaths, l.ReadonlyPaths
		fields["linux.mountLabel"] = []string{l.MountLabel}
		fields["linux.cgroupsPath"] = []string{l.CgroupsPath}
		for i, d := range l.Devices {
			fields[fmt.Sprintf("linux.devices[%d]", i)] = []string{d.Path}
		}
		for i, n := range l.Namespaces {
			fields[fmt.Sprintf("linux.namespaces[%d]", i)] = []string{n.Path}
		}
	}
	return checkNul(fields)
}

func checkNul(fields map[string][]string) error {
	for field, list := range fields {
		for _, v := range list {
			if strings.Contains(v, "\x00") {
				return fmt.Errorf("%s: %s: contains a NUL byte", field, printable.Quote(v))
			}
		}
	}
	return nil
}

// checkListener makes sure that notified calls are answered.
func checkListener(s *specs.LinuxSeccomp, notify bool) error {
	if err := checkNul(map[string][]string{"linux.seccomp.listenerPath": {s.ListenerPath}}); err != nil {
		return err
	}
	if s.ListenerMetadata != "" && s.ListenerPath == "" {
		return errors.New("linux.seccomp.listenerMetadata: requires listenerPath")
	}
	if !notify {
		return nil
	}
	if s.ListenerPath == "" {
		return fmt.Errorf("linux.seccomp.listenerPath: must not be empty with action %s", specs.ActNotify)
	}
	for i, call := range s.Syscalls {
		if call.Action == specs.ActNotify && slices.Contains(call.Names, "write") {
			return fmt.Errorf("linux.seccomp.syscalls[%d]: %s cannot be used for the write syscall: "+
				"the runtime needs it first", i, specs.ActNotify)
		}
	}
	return nil
}

// Hints for the directory in which a path ends, or which it passes through.
const (
	noDirectory  = "make the directory in the container first, or choose another one"
	notDirectory = "choose another path: this one passes through a file, or ends at one"
)
