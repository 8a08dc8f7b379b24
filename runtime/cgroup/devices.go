package cgroup

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// In version 2 the device rules are not a file but a BPF program
// (BPF_PROG_TYPE_CGROUP_DEVICE). The kernel runs it when a process of the cgroup opens
// or makes a device node, with three words in a struct bpf_cgroup_dev_ctx:
//
//	access_type   the access (mknod 1, read 2, write 4) in the upper half, the type
//	              (block 1, character 2) in the lower half
//	major, minor  the device numbers
//
// The program returns 1 to allow and 0 to deny. In the OCI config the last rule that
// matches counts, so the program tests them from last to first and returns at the
// first match. A device that no rule matches is denied.

// Registers, and offsets in the context.
const (
	r0, r1, r2, r3, r4, r5 = 0, 1, 2, 3, 4, 5

	accessType, majorField, minorField = 0, 4, 8
)

// asm assembles a BPF program of 8 bytes an instruction
// (Documentation/bpf/standardization/instruction-set.rst).
type asm struct {
	code []byte
}

func (a *asm) add(op, dst, src byte, offset int16, imm int32) {
	a.code = append(a.code, op, src<<4|dst)
	a.code = binary.NativeEndian.AppendUint16(a.code, uint16(offset))
	a.code = binary.NativeEndian.AppendUint32(a.code, uint32(imm))
}

func (a *asm) load(dst, src byte, offset int16) {
	a.add(unix.BPF_LDX|unix.BPF_MEM|unix.BPF_W, dst, src, offset, 0)
}
func (a *asm) move(dst, src byte) { a.add(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_X, dst, src, 0, 0) }
func (a *asm) and(dst byte, imm int32) {
	a.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, dst, 0, 0, imm)
}
func (a *asm) shiftRight(dst byte, imm int32) {
	a.add(unix.BPF_ALU|unix.BPF_RSH|unix.BPF_K, dst, 0, 0, imm)
}

// skipUnless jumps over the next n instructions unless dst is imm.
func (a *asm) skipUnless(dst byte, imm int32, n int16) {
	a.add(unix.BPF_JMP32|unix.BPF_JNE|unix.BPF_K, dst, 0, n, imm)
}

// skipIf jumps over the next n instructions if dst is imm.
func (a *asm) skipIf(dst byte, imm int32, n int16) {
	a.add(unix.BPF_JMP32|unix.BPF_JEQ|unix.BPF_K, dst, 0, n, imm)
}

// exit returns 1 or 0.
func (a *asm) exit(allow bool) {
	result := int32(0)
	if allow {
		result = 1
	}
	a.add(unix.BPF_ALU64|unix.BPF_MOV|unix.BPF_K, r0, 0, 0, result)
	a.add(unix.BPF_JMP|unix.BPF_EXIT, 0, 0, 0, 0)
}

const (
	instruction   = 8 // bytes
	everyAccess   = unix.BPF_DEVCG_ACC_MKNOD | unix.BPF_DEVCG_ACC_READ | unix.BPF_DEVCG_ACC_WRITE
	anyDevice     = -1
	unlimitedRule = "a"
)

// defaultDevices are always allowed, since every container has them
// (config-linux.md, "Default Devices"): null, zero, full, random, urandom, tty,
// console, ptmx and pts. mknod(2) is allowed for all devices: a node alone gives no
// access.
var defaultDevices = []struct {
	kind         string
	major, minor int64
	access       string
}{
	{unlimitedRule, anyDevice, anyDevice, "m"},
	{"c", 1, 3, "rwm"}, {"c", 1, 5, "rwm"}, {"c", 1, 7, "rwm"}, {"c", 1, 8, "rwm"}, {"c", 1, 9, "rwm"},
	{"c", 5, 0, "rwm"}, {"c", 5, 1, "rwm"}, {"c", 5, 2, "rwm"}, {"c", 136, anyDevice, "rwm"},
}

// DeviceProgram compiles device rules (config-linux.md, "Allowed Device list") to a BPF
// program of n instructions, for BPF_PROG_LOAD. Without rules only the default devices
// are allowed. If all devices are allowed there is no program, and n is 0.
func DeviceProgram(rules []specs.LinuxDeviceCgroup) (code []byte, n int, err error) {
	// the rules, and the default devices unless the last rule allows all
	if len(rules) == 0 || !rules[len(rules)-1].Allow || !matchesAll(rules[len(rules)-1]) {
		for i := range defaultDevices {
			d := &defaultDevices[i]
			rules = append(rules[:len(rules):len(rules)],
				specs.LinuxDeviceCgroup{Allow: true, Type: d.kind, Major: &d.major, Minor: &d.minor, Access: d.access})
		}
	}
	rules = withoutOverridden(rules)
	// the context: type in r2, access in r3, numbers in r4 and r5
	a := &asm{}
	a.load(r2, r1, accessType)
	a.move(r3, r2)
	a.and(r2, 0xffff)
	a.shiftRight(r3, 16)
	a.load(r4, r1, majorField)
	a.load(r5, r1, minorField)
	// the rules, from last to first
	for i := len(rules) - 1; i >= 0; i-- {
		minors := []int64{id(rules[i].Minor)}
		for ; i > 0 && differInMinor(rules[i], rules[i-1]); i-- {
			minors = append(minors, id(rules[i-1].Minor))
		}
		all, err := a.rule(rules[i], minors)
		if err != nil {
			return nil, 0, fmt.Errorf("[%d]: %w", i, err)
		}
		if all {
			if i == len(rules)-1 && rules[i].Allow {
				return nil, 0, nil
			}
			a.exit(rules[i].Allow)
			return a.code, len(a.code) / instruction, nil
		}
	}
	a.exit(false)
	return a.code, len(a.code) / instruction, nil
}

// matchesAll reports whether a rule is for every access to every device.
func matchesAll(r specs.LinuxDeviceCgroup) bool {
	kind, err := deviceType(r.Type)
	access, err2 := accessBits(r.Access)
	return err == nil && err2 == nil && kind == 0 && access == everyAccess && id(r.Major) == anyDevice &&
		id(r.Minor) == anyDevice
}

// withoutOverridden leaves out rules that a later one for the same access overrides.
func withoutOverridden(rules []specs.LinuxDeviceCgroup) []specs.LinuxDeviceCgroup {
	same := func(a, b specs.LinuxDeviceCgroup) bool {
		return a.Type == b.Type && a.Access == b.Access && id(a.Major) == id(b.Major) && id(a.Minor) == id(b.Minor)
	}
	var kept []specs.LinuxDeviceCgroup
	for i, r := range rules {
		if !slices.ContainsFunc(rules[i+1:], func(later specs.LinuxDeviceCgroup) bool { return same(r, later) }) {
			kept = append(kept, r)
		}
	}
	return kept
}

// differInMinor reports whether two rules differ in the minor number alone, and can share
// their other tests.
func differInMinor(a, b specs.LinuxDeviceCgroup) bool {
	return a.Allow == b.Allow && a.Type == b.Type && a.Access == b.Access && id(a.Major) == id(b.Major) &&
		id(a.Minor) != anyDevice && id(b.Minor) != anyDevice
}

// rule adds the code of a rule for one or several minor numbers. For a rule that
// matches everything all is true, and nothing is added.
func (a *asm) rule(r specs.LinuxDeviceCgroup, minors []int64) (all bool, err error) {
	// what the rule matches
	kind, err := deviceType(r.Type)
	if err != nil {
		return false, err
	}
	access, err := accessBits(r.Access)
	if err != nil {
		return false, err
	}
	if matchesAll(r) {
		return true, nil
	}
	for _, n := range append(minors, id(r.Major)) {
		if n != anyDevice && n != int64(uint32(n)) {
			return false, fmt.Errorf("device number %d: more than 32 bits", n)
		}
	}
	// the tests, each of which jumps over the rest of the rule if it fails
	body := &asm{}
	test := func(reg byte, want int64) {
		if want != anyDevice {
			body.skipUnless(reg, int32(want), 0)
		}
	}
	if kind != 0 {
		test(r2, kind)
	}
	test(r4, id(r.Major))
	if access != everyAccess {
		// r3 &^ access must be 0
		body.move(r1, r3)
		body.and(r1, int32(^access))
		body.skipUnless(r1, 0, 0)
	}
	last := len(minors) - 1
	for i, minor := range minors[:last] {
		body.skipIf(r5, int32(minor), int16(last-i)) // over the others, to exit
	}
	test(r5, minors[last])
	body.exit(r.Allow)
	body.resolve()
	a.code = append(a.code, body.code...)
	return false, nil
}

// resolve makes every skipUnless in the code jump to the end of the code.
func (a *asm) resolve() {
	total := len(a.code) / instruction
	for i := range total {
		if op := a.code[i*instruction]; op == unix.BPF_JMP32|unix.BPF_JNE|unix.BPF_K {
			binary.NativeEndian.PutUint16(a.code[i*instruction+2:], uint16(total-i-1))
		}
	}
}

func deviceType(t string) (int64, error) {
	switch t {
	case "", unlimitedRule:
		return 0, nil
	case "b":
		return unix.BPF_DEVCG_DEV_BLOCK, nil
	case "c":
		return unix.BPF_DEVCG_DEV_CHAR, nil
	}
	return 0, fmt.Errorf("type %q: want a, b or c", t)
}

func accessBits(access string) (bits int64, err error) {
	for _, c := range access {
		switch c {
		case 'r':
			bits |= unix.BPF_DEVCG_ACC_READ
		case 'w':
			bits |= unix.BPF_DEVCG_ACC_WRITE
		case 'm':
			bits |= unix.BPF_DEVCG_ACC_MKNOD
		default:
			return 0, fmt.Errorf("access %q: want a combination of r, w and m", access)
		}
	}
	if bits == 0 {
		bits = everyAccess
	}
	return bits, nil
}

func id(n *int64) int64 {
	if n == nil {
		return anyDevice
	}
	return *n
}
