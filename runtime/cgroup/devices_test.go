package cgroup

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// What kernel_test.go, in a package of its own, needs.
var (
	Get   = get
	Rules = rules
)

// allows runs a device program as the kernel does.
func allows(t *testing.T, code []byte, kind, access, major, minor uint32) bool {
	t.Helper()
	ctx := []uint32{access<<16 | kind, major, minor}
	var r [6]uint64
	for pc, steps := 0, 0; steps < 10000; steps++ {
		in := code[pc*instruction:]
		dst, src := in[1]&0xf, in[1]>>4
		offset, imm := int16(binary.NativeEndian.Uint16(in[2:])), binary.NativeEndian.Uint32(in[4:])
		pc++
		switch in[0] {
		case unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W:
			if src != r1 {
				t.Fatal("a load from outside the context")
			}
			r[dst] = uint64(ctx[offset/4])
		case unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X:
			r[dst] = r[src]
		case unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K:
			r[dst] = uint64(int64(int32(imm)))
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			r[dst] = uint64(uint32(r[dst]) & imm)
		case unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K:
			r[dst] = uint64(uint32(r[dst]) >> imm)
		case unix.BPF_JMP32 | unix.BPF_JNE | unix.BPF_K:
			if uint32(r[dst]) != imm {
				pc += int(offset)
			}
		case unix.BPF_JMP32 | unix.BPF_JEQ | unix.BPF_K:
			if uint32(r[dst]) == imm {
				pc += int(offset)
			}
		case unix.BPF_JMP | unix.BPF_EXIT:
			return r[r0] == 1
		default:
			t.Fatalf("unknown instruction %#x", in[0])
		}
	}
	t.Fatal("the program does not end")
	return false
}

// rules returns device rules, such as "allow c 10:232 rw"; * is any number.
func rules(texts ...string) (list []specs.LinuxDeviceCgroup) {
	for _, text := range texts {
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ':' })
		rule := specs.LinuxDeviceCgroup{Allow: words[0] == "allow", Type: words[1], Access: words[4]}
		for i, number := range []**int64{&rule.Major, &rule.Minor} {
			if n, err := strconv.ParseInt(words[2+i], 10, 64); err == nil {
				*number = &n
			}
		}
		list = append(list, rule)
	}
	return list
}

// TestDeviceProgram: the last rule that matches counts, a device that no rule matches
// is denied, and the default devices are always allowed.
func TestDeviceProgram(t *testing.T) {
	const denyAll = "deny a *:* rwm"
	for name, test := range map[string]struct {
		rules   []specs.LinuxDeviceCgroup
		yes, no string // KIND MAJOR MINOR ACCESS, separated by ;
	}{
		"no rules": {nil, "c 1 3 rw;c 136 7 rw;b 8 0 m", "c 10 229 r;b 8 0 r;c 1 4 r;c 1 11 r"},
		"deny all": {rules(denyAll), "c 1 3 rw;c 1 5 r;c 5 0 rw;c 5 2 rw;c 136 7 rw;c 10 232 m;b 8 0 m",
			"c 10 232 r;b 8 0 r;b 8 0 w;c 1 1 r;b 1 3 r;c 10 232 rm"},
		"one device": {rules(denyAll, "allow c 10:232 rw"),
			"c 10 232 r;c 10 232 rw;c 10 232 m", "c 10 231 r;b 10 232 r;c 11 232 w"},
		"read only": {rules(denyAll, "allow b 8:* r"),
			"b 8 0 r;b 8 99 r", "b 8 0 w;b 8 0 rw;c 8 0 r;b 9 0 r"},
		"the last rule counts": {rules(denyAll, "allow b 8:* rwm", "deny b 8:1 w"), "b 8 0 w;b 8 1 r", "b 8 1 w"},
		"no deny rule":         {rules("allow c 10:232 r"), "c 10 232 r;c 1 3 rw", "c 10 233 r;b 8 0 r"},
		"one of both types":    {rules(denyAll, "allow a 7:1 rwm"), "b 7 1 rw;c 7 1 r;c 1 3 rw", "b 7 2 r;c 10 232 r"},
		"all devices to read":  {rules(denyAll, "allow a *:* r"), "b 7 1 r;c 1 3 rw", "b 7 1 w"},
		"all devices but one":  {rules("allow a *:* rwm", "deny b 8:0 rw"), "c 1 1 rw;b 8 1 rw", "b 8 0 r;b 8 0 w"},
	} {
		code, n, err := DeviceProgram(test.rules)
		if err != nil || n == 0 || n*instruction != len(code) {
			t.Errorf("%s: %d instructions in %d bytes, %v", name, n, len(code), err)
			continue
		}
		for list, want := range map[string]bool{test.yes: true, test.no: false} {
			for device := range strings.SplitSeq(list, ";") {
				kind, access, major, minor := parseDevice(t, device)
				if got := allows(t, code, kind, access, major, minor); got != want {
					t.Errorf("%s: %s: %v, want %v", name, device, got, want)
				}
			}
		}
	}
}

func parseDevice(t *testing.T, device string) (kind, access, major, minor uint32) {
	t.Helper()
	var kindWord, accessWord string
	_, err := fmt.Sscan(device, &kindWord, &major, &minor, &accessWord)
	testkit.Check(t, err)
	k, err := deviceType(kindWord)
	testkit.Check(t, err)
	a, err := accessBits(accessWord)
	testkit.Check(t, err)
	return uint32(k), uint32(a), major, minor
}

func TestAllDevicesNeedNoProgram(t *testing.T) {
	for _, rules := range [][]specs.LinuxDeviceCgroup{
		rules("allow a *:* rwm"), rules("deny a *:* rwm", "allow a *:* rwm"),
	} {
		if code, n, err := DeviceProgram(rules); code != nil || n != 0 || err != nil {
			t.Errorf("%v: %d instructions, %v", rules, n, err)
		}
	}
}
