package config

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestOnlyNamespacedSysctlsAllowed: only settings that a namespace has for itself, and only
// where that namespace is the container's own.
func TestOnlyNamespacedSysctlsAllowed(t *testing.T) {
	for _, word := range []string{"net.ipv4.ip_forward=1", "net.ipv4.ip_local_port_range=1024 65000", "kernel.shmmax=1",
		"kernel.sem=1\t2\t3\t4", "fs.mqueue.msg_max=5", "kernel.domainname=example.org",
		"net.ipv4.conf.eth0.forwarding=0"} {
		name, value, _ := strings.Cut(word, "=")
		testkit.Equal(t, word, mustConfig(t, Options{Sysctls: []string{word}}).Linux.Sysctl[name], value)
	}
	for _, test := range []struct {
		o    Options
		word string
		text string
	}{
		{Options{}, "kernel.core_pattern=|/evil", "not a parameter of a namespace"},
		{Options{}, "kernel.shm_rmid_forced_too=1", "not a parameter of a namespace"},
		{Options{}, "vm.swappiness=1", "not a parameter of a namespace"},
		{Options{}, "kernel.hostname=evil", "not a parameter of a namespace"},
		{Options{}, "net=1", "not a parameter of a namespace"},
		{Options{}, "net.ipv4.ip_forward", "no value"},
		{Options{}, "net/../kernel/core_pattern=x", "not words joined by dots"},
		{Options{}, "net.../kernel=x", "not words joined by dots"},
		{Options{}, "net..kernel.core_pattern=x", "not words joined by dots"},
		{Options{}, "net.=x", "not words joined by dots"},
		{Options{}, "=x", "not words joined by dots"},
		{Options{}, "kernel.shmmax=1+kernel.core_pattern=|/evil", "a control byte or a +"},
		{Options{}, "kernel.shmmax=1\nkernel.core_pattern=x", "a control byte or a +"},
		{Options{Network: "host"}, "net.ipv4.ip_forward=1", "requires a new network namespace"},
		{Options{IPC: "host"}, "kernel.shmmax=1", "requires a new ipc namespace"},
		{Options{IPC: "host"}, "fs.mqueue.msg_max=1", "requires a new ipc namespace"},
		{Options{UTS: "host"}, "kernel.domainname=x", "requires a new uts namespace"},
	} {
		test.o.Sysctls = []string{test.word}
		_, err := testConfig(t, test.o)
		testkit.WantError(t, test.word, err, test.text)
	}
}
