// Package lsm reports which security modules this kernel runs (apparmor(7), selinux(8)).
package lsm

import (
	"os"

	"golang.org/x/sys/unix"
)

// AppArmor reports whether AppArmor is enabled.
func AppArmor() bool {
	enabled, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return string(enabled) == "Y\n"
}

// SELinux reports whether SELinux is enabled: its filesystem is then mounted.
func SELinux() bool { return unix.Access("/sys/fs/selinux/enforce", unix.F_OK) == nil }
