package seccomp

// A filter returns a word: the action in the upper 16 bits, data in the lower. As
// signed numbers the actions are sorted by strictness, SECCOMP_RET_KILL_PROCESS (the
// sign bit) first and SECCOMP_RET_ALLOW last. The kernel uses this order to find the
// strictest of several filters, and rule.go that of several rules. See seccomp(2) and
// include/uapi/linux/seccomp.h.

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const maxErrno = 4095 // MAX_ERRNO: the kernel truncates larger ones

// returnValue translates an action and its errno to the word that the program
// returns. In the spec the default errno is EPERM, and an errno of an action that
// does not use it is an error.
func returnValue(action specs.LinuxSeccompAction, errnoRet *uint) (uint32, error) {
	data, most := uint(unix.EPERM), uint(0)
	if errnoRet != nil {
		data = *errnoRet
	}
	var ret uint32
	switch action {
	case specs.ActKill, specs.ActKillThread:
		ret = unix.SECCOMP_RET_KILL_THREAD
	case specs.ActKillProcess:
		ret = unix.SECCOMP_RET_KILL_PROCESS
	case specs.ActTrap:
		ret = unix.SECCOMP_RET_TRAP
	case specs.ActErrno:
		ret, most = unix.SECCOMP_RET_ERRNO, maxErrno
	case specs.ActTrace:
		ret, most = unix.SECCOMP_RET_TRACE, unix.SECCOMP_RET_DATA
	case specs.ActAllow:
		ret = unix.SECCOMP_RET_ALLOW
	case specs.ActLog:
		ret = unix.SECCOMP_RET_LOG
	case specs.ActNotify:
		ret = unix.SECCOMP_RET_USER_NOTIF
	default:
		return 0, fmt.Errorf("unknown action %q", action)
	}
	switch {
	case most == 0 && errnoRet != nil:
		return 0, fmt.Errorf("action %s: errnoRet %d: this action takes no errno", action, data)
	case most == 0:
		return ret, nil
	case data > most:
		return 0, fmt.Errorf("action %s: errnoRet %d is greater than %d", action, data, most)
	}
	return ret | uint32(data), nil
}

// strictness is smaller for a stricter action.
func strictness(word uint32) int32 { return int32(word & unix.SECCOMP_RET_ACTION_FULL) }

// permissive reports whether a call with this return value takes place. So does one
// that a tracer sees: the tracer can refuse it.
func permissive(word uint32) bool {
	return strictness(word) >= strictness(unix.SECCOMP_RET_TRACE)
}

const flagTSYNC specs.LinuxSeccompFlag = "SECCOMP_FILTER_FLAG_TSYNC" // in the spec, not in specs-go

// flagBits translates the flags of the section to those of seccomp(2). A section without the
// field, unlike one with an empty list, gets SPEC_ALLOW, as with runc and crun: before Linux
// 5.16 a filter would otherwise turn on a mitigation of Spectre that costs much time.
func flagBits(flags []specs.LinuxSeccompFlag, notify bool) (uint, error) {
	var bits uint
	if flags == nil {
		bits |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	if notify {
		bits |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	for _, flag := range flags {
		switch flag {
		case flagTSYNC: // no effect: the process has one thread
		case specs.LinuxSeccompFlagLog:
			bits |= unix.SECCOMP_FILTER_FLAG_LOG
		case specs.LinuxSeccompFlagSpecAllow:
			bits |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
		case specs.LinuxSeccompFlagWaitKillableRecv:
			if !notify {
				return 0, fmt.Errorf("flag %s without a rule of %s", flag, specs.ActNotify)
			}
			bits |= unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
		default:
			return 0, fmt.Errorf("unknown flag %q", flag)
		}
	}
	return bits, nil
}
