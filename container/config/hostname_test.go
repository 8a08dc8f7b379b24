package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestInvalidNamesRefused: a name is used as a directory, as a cgroup and on a terminal.
func TestInvalidNamesRefused(t *testing.T) {
	for _, name := range []string{"a", "web-1", "A_b.c", "0"} {
		if err := state.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "-x", "_x", "a/b", "../x", "a b", "a\n", "a\x1b[31m", "ä", "a\x00"} {
		testkit.WantError(t, name, state.CheckName(name), "not a name")
		if name != "" {
			_, err := testConfig(t, Options{Name: name})
			testkit.WantError(t, name, err, "not a name")
		}
		host := testHost()
		host.ID = name
		_, _, err := Config(&Options{}, testImage(), testFiles(), host)
		testkit.WantError(t, name, err, "not a name")
	}
}

func TestHostname(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, "0123456789ab"},
		{Options{Hostname: "web"}, "web"},
		{Options{Network: "host"}, "laptop"},
		{Options{Network: "host", Hostname: "web"}, "web"},
		{Options{UTS: "host"}, ""},
	} {
		testkit.Equal(t, fmt.Sprint(test.o), mustConfig(t, test.o).Hostname, test.want)
	}
	for name, text := range map[string]string{
		strings.Repeat("a", 65): "not a host name",
		"a\nevil 6.6.6.6":       "not a host name",
		"a b":                   "not a host name",
	} {
		_, err := testConfig(t, Options{Hostname: name})
		testkit.WantError(t, name, err, text)
	}
	_, err := testConfig(t, Options{Hostname: "web", UTS: "host"})
	testkit.WantError(t, "uts", err, "--hostname and --uts host exclude each other")
}

func TestNamespaces(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, "pid network ipc uts mount cgroup"},
		{Options{Network: "none", PID: "private", Userns: "host"}, "pid network ipc uts mount cgroup"},
		{Options{Network: "host", PID: "host", IPC: "host", UTS: "host", Privileged: true}, "mount cgroup"},
		{Options{User: "0:0", Userns: "0:1000:1"}, "pid network ipc uts mount cgroup user"},
	} {
		var got []string
		for _, ns := range mustConfig(t, test.o).Linux.Namespaces {
			got = append(got, string(ns.Type))
			testkit.Equal(t, fmt.Sprintf("%+v: path", test.o), ns.Path, "")
		}
		testkit.Equal(t, fmt.Sprint(test.o), strings.Join(got, " "), test.want)
	}
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{Network: "bridge"}, `--network "bridge": unknown`},
		{Options{PID: "container:web"}, `--pid "container:web": unknown`},
		{Options{Userns: "keep-id"}, `--userns "keep-id": "keep-id": not three numbers`},
		{Options{Userns: "0:100000:0"}, "empty, or beyond the last ID"},
		{Options{Userns: "1:0:4294967295"}, "empty, or beyond the last ID"},
		{Options{Userns: "0:4294967296:1"}, `"4294967296": not a 32-bit number`},
		{Options{Userns: "0:-1:1"}, ": not a 32-bit number"},
		{Options{Userns: "0:1:1,"}, `"": not three numbers`},
		{Options{Userns: "0:100000:65536", Privileged: true}, "--privileged and --userns exclude each other"},
	} {
		_, err := testConfig(t, test.o)
		testkit.WantError(t, test.text, err, test.text)
	}
}

// TestUsernsWithHostNamespaces: the kernel makes no new /proc and /sys over
// namespaces that the user namespace does not own.
func TestUsernsWithHostNamespaces(t *testing.T) {
	spec := mustConfig(t, Options{Userns: "0:100000:65536", PID: "host", Network: "host"})
	for _, name := range []string{"/proc", "/sys"} {
		if m := find(t, spec, name); m.Type != "bind" || m.Source != name {
			t.Errorf("%+v", m)
		}
	}
	if m := find(t, spec, "/sys"); !slices.Contains(m.Options, "rro") {
		t.Errorf("the host's /sys is writable: %v", m.Options)
	}
}

func TestStopSignal(t *testing.T) {
	for _, test := range []struct {
		flag, image string
		want        unix.Signal
	}{
		{"", "", unix.SIGTERM},
		{"", "SIGQUIT", unix.SIGQUIT},
		{"INT", "SIGQUIT", unix.SIGINT},
		{"sigusr1", "", unix.SIGUSR1},
		{"9", "", unix.SIGKILL},
		{"SIGRTMIN+3", "", 37},
		{"RTMAX-1", "", 63},
		{"64", "", 64},
	} {
		image := testImage()
		image.Config.StopSignal = test.image
		if got, _, err := StopSignal(&Options{StopSignal: test.flag}, image); err != nil || got != test.want {
			t.Errorf("%+v: %d, %v", test, got, err)
		}
	}
	for _, word := range []string{"0", "65", "-1", "SIGFOO", "RTMIN+31", "RTMAX-31", "SIG", "RTMIN+"} {
		_, _, err := StopSignal(&Options{StopSignal: word}, testImage())
		testkit.WantError(t, word, err, "unknown")
	}
}

func TestHostFiles(t *testing.T) {
	files, err := HostFiles(&Options{Hostname: "web"}, testHost())
	testkit.Check(t, err)
	if string(files["hostname"]) != "web\n" || string(files["hosts"]) != hostsFile+"127.0.0.1\tweb\n" ||
		len(files["resolv.conf"]) != 0 {
		t.Errorf("%q", files)
	}
	files, err = HostFiles(&Options{Network: "host"}, testHost())
	testkit.Check(t, err)
	want, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Skip("no /etc/hosts on this machine")
	}
	if string(files["hosts"]) != string(want) || string(files["hostname"]) != "laptop\n" {
		t.Errorf("%q", files)
	}
	// Each file that is made is bound, and the other way round.
	bound := 0
	for _, m := range mustConfig(t, Options{}).Mounts {
		if name, ok := strings.CutPrefix(m.Source, testHost().FilesDir+"/"); ok {
			bound++
			if _, made := files[name]; !made {
				t.Errorf("%s is bound but not made", name)
			}
		}
	}
	if bound != len(files) {
		t.Errorf("%d files bound, %d made", bound, len(files))
	}
}

func TestThisHost(t *testing.T) {
	h, err := ThisHost(&Options{Privileged: true, Init: true})
	testkit.Check(t, err)
	isNull := func(d specs.LinuxDevice) bool {
		return d.Path == "/dev/null" && d.Type == "c" && d.Major == 1 && d.Minor == 3
	}
	if !slices.ContainsFunc(h.Devices, isNull) {
		t.Errorf("no /dev/null among %d devices", len(h.Devices))
	}
	if h.Arch == "" || h.Hostname == "" || h.Dir == "" || len(h.Environ) == 0 {
		t.Errorf("%+v", h)
	}
}

// TestUsernsWithHostQueues: the host's message queues are shown if it shows
// them itself.
func TestUsernsWithHostQueues(t *testing.T) {
	for _, there := range []bool{true, false} {
		host := testHost()
		host.Mqueue = there
		spec, _, err := Config(&Options{User: "0:0", Userns: "0:100000:65536", IPC: "host"}, testImage(), testFiles(),
			host)
		testkit.Check(t, err)
		if hasMount(spec.Mounts, "/dev/mqueue") != there {
			t.Errorf("/dev/mqueue on the host: %v, in the container: %v", there, !there)
		}
	}
}
