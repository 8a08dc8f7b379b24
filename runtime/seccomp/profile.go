package seccomp

// Where a section comes from: Docker's default profile, or a file.
//
// A profile is a section with conditions: rules that hold only on some
// architectures, from some kernel version on, or for a container with (or without) a
// capability. To resolve it leaves a plain OCI section.
//
// Conditions on the kernel are taken as met: minictr needs Linux 5.15, the newest
// condition in Docker's profile is 4.8, and a rule for a call that the kernel lacks
// has no effect.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/minictr/minictr/hint"
)

// Default returns Docker's default profile for a machine (GOARCH) and the capabilities
// in the container's bounding set ("CAP_SYS_ADMIN").
//
// It is stricter in one way: only the native ABI is listed, so that 32-bit and x32
// calls are refused. Docker allows them, and with them socketcall(2), whose address
// family is behind a pointer and cannot be filtered. And it compares int arguments as
// the kernel does, which uses their low 32 bits.
func Default(arch string, caps []string) *specs.LinuxSeccomp {
	profile := moby.DefaultProfile()
	profile.ArchMap = nil
	s := resolveProfile(profile, arch, caps)
	s.Architectures = []specs.Arch{scmpArch(arch)}
	calls := make([]specs.LinuxSyscall, 0, len(s.Syscalls)+64)
	for _, call := range s.Syscalls {
		calls = append(calls, maskToInt(call)...)
	}
	s.Syscalls = calls
	return s
}

// maskToInt rewrites a rule on the first argument of socket(2) or personality(2), an
// int, to compare its low half only. The kernel drops the high half, which holds
// whatever a compiler, or an attacker, has left in the register.
//
// "Less than" has no masked form. A range from 0 is split at the bits of its end, as
// networks are: below 38 = 32+4+2 are the blocks 0/32, 32/4 and 36/2.
func maskToInt(call specs.LinuxSyscall) []specs.LinuxSyscall {
	if name := call.Names[0]; name != "socket" && name != "personality" {
		return []specs.LinuxSyscall{call}
	}
	masked := func(value, size uint64) specs.LinuxSyscall {
		block := call
		mask := uint64(math.MaxUint32) &^ (size - 1)
		block.Args = []specs.LinuxSeccompArg{{Value: mask, ValueTwo: value, Op: specs.OpMaskedEqual}}
		return block
	}
	if arg := call.Args[0]; arg.Op == specs.OpEqualTo {
		return []specs.LinuxSyscall{masked(arg.Value, 1)}
	}
	var blocks []specs.LinuxSyscall
	first, end := uint64(0), call.Args[0].Value
	for size := uint64(1 << 31); size > 0; size >>= 1 {
		if end&size != 0 {
			blocks = append(blocks, masked(first, size))
			first += size
		}
	}
	return blocks
}

// Parse reads a profile, as Docker's --security-opt seccomp=FILE does, or a plain OCI
// section, and resolves it for a machine (GOARCH) and capabilities. An unknown field
// is an error: a misspelt "args" would allow a call with any arguments.
func Parse(data []byte, arch string, caps []string) (*specs.LinuxSeccomp, error) {
	s, err := parse(data, arch, caps)
	if err != nil {
		return nil, hint.New(fmt.Errorf("parse seccomp profile: %w", err),
			"see https://docs.docker.com/engine/security/seccomp/ or linux.seccomp of the OCI runtime spec")
	}
	return s, nil
}

func parse(data []byte, arch string, caps []string) (*specs.LinuxSeccomp, error) {
	var profile moby.Seccomp
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&profile); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more data after the profile")
	}
	if profile.DefaultAction == "" {
		return nil, errors.New("defaultAction: missing")
	}
	if len(profile.Architectures) > 0 && len(profile.ArchMap) > 0 {
		return nil, errors.New("architectures: excludes archMap")
	}
	for i, call := range profile.Syscalls {
		if call == nil {
			return nil, fmt.Errorf("syscalls[%d]: null", i)
		}
		//lint:ignore SA1019 of old profiles, which Docker still reads
		name := call.Name
		switch {
		case name != "" && len(call.Names) > 0:
			return nil, fmt.Errorf("syscalls[%d]: name and names exclude each other", i)
		case name != "":
			call.Names = []string{name}
		}
	}
	return resolveProfile(&profile, arch, caps), nil
}

// resolveProfile keeps the rules whose conditions hold, and of archMap the entry of
// the machine.
func resolveProfile(profile *moby.Seccomp, arch string, caps []string) *specs.LinuxSeccomp {
	s := &profile.LinuxSeccomp
	for _, a := range profile.ArchMap {
		if a.Arch == scmpArch(arch) {
			s.Architectures = append([]specs.Arch{a.Arch}, a.SubArches...)
		}
	}
	s.Syscalls = make([]specs.LinuxSyscall, 0, len(profile.Syscalls))
	for _, call := range profile.Syscalls {
		if isIncluded(call.Includes, arch, caps) && !isExcluded(call.Excludes, arch, caps) {
			s.Syscalls = append(s.Syscalls, call.LinuxSyscall)
		}
	}
	return s
}

// isIncluded reports whether a rule with these includes holds: on one of the
// architectures, with all of the capabilities.
func isIncluded(f *moby.Filter, arch string, caps []string) bool {
	if f == nil {
		return true
	}
	if len(f.Arches) > 0 && !slices.Contains(f.Arches, profileArch(arch)) {
		return false
	}
	for _, capability := range f.Caps {
		if !slices.Contains(caps, capability) {
			return false
		}
	}
	return true
}

// isExcluded reports whether a rule with these excludes does not hold: on one of the
// architectures, with any of the capabilities, or on the kernel.
func isExcluded(f *moby.Filter, arch string, caps []string) bool {
	if f == nil {
		return false
	}
	return f.MinKernel != nil || slices.Contains(f.Arches, profileArch(arch)) ||
		slices.ContainsFunc(f.Caps, func(capability string) bool { return slices.Contains(caps, capability) })
}

// profileArch returns Docker's name of a GOARCH.
func profileArch(arch string) string {
	if arch == "386" {
		return "x86"
	}
	return arch
}

// scmpArch returns the name of a GOARCH in libseccomp and in the OCI spec.
func scmpArch(arch string) specs.Arch {
	switch arch {
	case "386":
		return specs.ArchX86
	case "amd64":
		return specs.ArchX86_64
	case "arm64":
		return specs.ArchAARCH64
	}
	return specs.Arch("SCMP_ARCH_" + strings.ToUpper(arch))
}
