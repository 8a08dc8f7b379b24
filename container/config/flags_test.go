package config

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestResolverFiles(t *testing.T) {
	for _, test := range []struct{ name, dns, search, options, from, want string }{
		{"nothing given", "", "", "", "nameserver 9.9.9.9\n", "nameserver 9.9.9.9\n"},
		{"servers", "1.1.1.1 fd00::1", "", "", "", "nameserver 1.1.1.1\nnameserver fd00::1\n"},
		{"each replaces its own", "1.1.1.1", "a.b c", "ndots:2 x", "nameserver 9.9.9.9\nsearch x\noptions y\n",
			"search a.b c\nnameserver 1.1.1.1\noptions ndots:2 x\n"},
		{"others stay", "", "a.b", "", "# mine\nnameserver 9.9.9.9\ndomain x\noptions y\n",
			"# mine\nnameserver 9.9.9.9\noptions y\nsearch a.b\n"},
		{"no search", "", ".", "", "nameserver 9.9.9.9\nsearch x\n", "nameserver 9.9.9.9\n"},
	} {
		o := Options{}
		for words, to := range map[string]*[]string{
			test.dns: &o.DNS, test.search: &o.DNSSearch, test.options: &o.DNSOptions,
		} {
			if words != "" {
				*to = strings.Fields(words)
			}
		}
		got, err := o.resolvConf([]byte(test.from))
		testkit.Check(t, err)
		testkit.Equal(t, test.name, string(got), test.want)
	}
	files, err := HostFiles(&Options{AddHosts: []string{"db:10.0.0.5", "v6=::1", "b:[fd00::5]"}}, testHost())
	testkit.Check(t, err)
	if hosts := string(files["hosts"]); !strings.HasSuffix(hosts, "10.0.0.5\tdb\n::1\tv6\nfd00::5\tb\n") {
		t.Errorf("%q", hosts)
	}
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{AddHosts: []string{"db"}}, `--add-host "db": not HOST:IP`},
		{Options{AddHosts: []string{":1.2.3.4"}}, "not HOST:IP"},
		{Options{AddHosts: []string{"a b:1.2.3.4"}}, "not HOST:IP"},
		{Options{AddHosts: []string{"db:x"}}, `"x": not an IP address`},
		{Options{AddHosts: []string{"db:1.2.3.4\n6.6.6.6 bank"}}, "not an IP address"},
		{Options{AddHosts: []string{"db:host-gateway"}}, "there is no network with a gateway"},
		{Options{DNS: []string{"dns.example"}}, `--dns: "dns.example": not an IP address`},
		{Options{DNS: []string{"fe80::1%eth0"}}, "not an IP address"},
		{Options{DNSSearch: []string{""}}, `--dns-search ""`},
		{Options{DNSOptions: []string{"a\nnameserver 6.6.6.6"}}, "--dns-option"},
	} {
		_, err := HostFiles(&test.o, testHost())
		testkit.WantError(t, fmt.Sprint(test.o), err, test.text)
	}
}

func TestGroupAdd(t *testing.T) {
	for _, test := range []struct {
		user, add string
		want      []uint32
	}{
		{"", "video", []uint32{0, 10, 44}},
		{"1000:7", "44 wheel 44", []uint32{7, 44, 10}},
		{"ada", "4294967294", []uint32{100, 10, 44, 0, 4294967294}},
	} {
		got := mustConfig(t, Options{User: test.user, GroupAdd: strings.Fields(test.add)}).Process.User.AdditionalGids
		if !slices.Equal(got, test.want) {
			t.Errorf("%s, %s: %v, want %v", test.user, test.add, got, test.want)
		}
	}
	for word, text := range map[string]string{
		"nobody-has": "no matching entries in the container's /etc/group", "": "group: empty", "-1": "not between 0",
	} {
		_, err := testConfig(t, Options{GroupAdd: []string{word}})
		testkit.WantError(t, word, err, "--group-add: ")
		testkit.WantError(t, word, err, text)
	}
	_, err := testConfig(t, Options{GroupAdd: []string{"70000"}, Userns: "0:100000:1000"})
	testkit.WantError(t, "not mapped", err, "group 70000 of the user is not mapped")
}

func TestDevices(t *testing.T) {
	dir := t.TempDir()
	testkit.Check(t, os.Symlink("/dev/null", filepath.Join(dir, "link")))
	for _, test := range []struct{ word, path, rule string }{
		{"/dev/null", "/dev/null", "c 1:3 rwm"},
		{"/dev/zero:r", "/dev/zero", "c 1:5 r"},
		{"/dev/full:/dev/x/full", "/dev/x/full", "c 1:7 rwm"},
		{"/dev/full:/dev/x/full:rw", "/dev/x/full", "c 1:7 rw"},
		{filepath.Join(dir, "link") + ":/dev/it", "/dev/it", "c 1:3 rwm"},
	} {
		l := mustConfig(t, Options{Devices: []string{test.word}}).Linux
		rules := l.Resources.Devices
		if len(l.Devices) != 1 || len(rules) != 2 {
			t.Fatalf("%s: %+v, %+v", test.word, l.Devices, rules)
		}
		d, r := l.Devices[0], rules[1]
		testkit.Equal(t, test.word, d.Path, test.path)
		testkit.Equal(t, test.word, fmt.Sprintf("%s %d:%d %s", r.Type, *r.Major, *r.Minor, r.Access), test.rule)
		if d.Major != *r.Major || d.Minor != *r.Minor || !r.Allow || rules[0].Allow {
			t.Errorf("%s: %+v, %+v", test.word, d, rules)
		}
	}
	rules := mustConfig(t, Options{DeviceRules: []string{"c 10:* rw", "a *:* r"}}).Linux.Resources.Devices[1:]
	if r := rules[0]; r.Type != "c" || *r.Major != 10 || r.Minor != nil || r.Access != "rw" || !rules[1].Allow {
		t.Errorf("%+v", rules)
	}
	for word, text := range map[string]string{
		"/dev/no-such":          "no such file",
		"null":                  `"null": neither an absolute path nor some of rwm`,
		"/dev/null:rq":          `"rq": neither an absolute path`,
		"/dev/null:/a:/b:r":     "too many fields",
		dir:                     "not a device",
		"/etc/hostname:/dev/x":  "not a device",
		"vendor.com/class=name": "neither an absolute path",
	} {
		_, err := testConfig(t, Options{Devices: []string{word}})
		testkit.WantError(t, word, err, text)
	}
	_, err := testConfig(t, Options{Devices: []string{"/dev/null:/dev/x"}, Userns: "0:100000:65536"})
	testkit.WantError(t, "userns", err, "in a user namespace a device keeps its path")
	for _, rule := range []string{"", "c 1:3", "c 1 3 4 rwm", "d 1:3 r", "c 1:x r", "c 1:3 rx", "c -1:3 r"} {
		_, err := testConfig(t, Options{DeviceRules: []string{rule}})
		testkit.WantError(t, rule, err, "not TYPE MAJOR:MINOR ACCESS")
	}
}

func TestShmSize(t *testing.T) {
	for _, test := range []struct{ size, want string }{
		{"", "size=65536k"}, {"0", "size=65536k"}, {"1g", "size=1048576k"}, {"1500", "size=2k"},
	} {
		m := find(t, mustConfig(t, Options{ShmSize: test.size}), "/dev/shm")
		if !slices.Contains(m.Options, test.want) {
			t.Errorf("--shm-size %q: %v", test.size, m.Options)
		}
	}
	for _, m := range mustConfig(t, Options{IPC: "none"}).Mounts {
		if m.Destination == "/dev/shm" {
			t.Errorf("--ipc none: %+v", m)
		}
	}
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{ShmSize: "big"}, `--shm-size "big": not a size`},
		{Options{ShmSize: "-1"}, "not a size"},
		{Options{ShmSize: "1m", IPC: "host"}, "--shm-size and --ipc host exclude each other"},
		{Options{ShmSize: "1m", Tmpfs: []string{"/dev/shm"}}, "another flag mounts /dev/shm"},
	} {
		_, err := testConfig(t, test.o)
		testkit.WantError(t, test.text, err, test.text)
	}
}

func TestSmallFlags(t *testing.T) {
	spec := mustConfig(t, Options{OOMScore: new(500), Domainname: "example", Annotations: []string{"a=b=c", "d"}})
	testkit.Equal(t, "oom", *spec.Process.OOMScoreAdj, 500)
	testkit.Equal(t, "domain name", spec.Domainname, "example")
	testkit.Equal(t, "annotations", fmt.Sprint(spec.Annotations), "map[a:b=c d:]")
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{OOMScore: new(1001)}, "--oom-score-adj 1001: not between -1000 and 1000"},
		{Options{Domainname: "a b"}, `--domainname "a b": not a domain name`},
		{Options{Domainname: "a", UTS: "host"}, "--domainname and --uts host exclude each other"},
		{Options{Annotations: []string{"=x"}}, "not NAME=VALUE"},
	} {
		_, err := testConfig(t, test.o)
		testkit.WantError(t, test.text, err, test.text)
	}
}

func TestAttached(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want [3]bool
	}{
		{Options{}, [3]bool{false, true, true}},
		{Options{Interactive: true}, [3]bool{true, true, true}},
		{Options{Interactive: true, Attach: []string{"STDIN", "stdout"}}, [3]bool{true, true, false}},
		{Options{Attach: []string{"stdin"}}, [3]bool{}},
		{Options{TTY: true, Attach: []string{"stdin", "stdout", "stderr"}}, [3]bool{false, true, true}},
	} {
		got, err := test.o.Attached()
		testkit.Check(t, err)
		testkit.Equal(t, fmt.Sprintf("%+v", test.o.Attach), got, test.want)
	}
	_, err := (&Options{Attach: []string{"all"}}).Attached()
	testkit.WantError(t, "all", err, `--attach "all": not a stream`)
	_, err = (&Options{TTY: true, Attach: []string{"stderr"}}).Attached()
	testkit.WantError(t, "terminal", err, "a terminal needs stdout")
}

func settings(t *testing.T, o Options) (Settings, error) {
	t.Helper()
	image := &images.Image{Config: testImage()}
	return NewSettings(&o, "x", image, &specs.Spec{Process: &specs.Process{Env: []string{"A=1", "B=2"}}}, testHost())
}

func TestLogOptions(t *testing.T) {
	for opts, want := range map[string]int64{
		"":                          8 << 20,
		"max-size=1m":               1 << 20,
		"max-size=1m max-file=1":    1 << 19,
		"max-size=1m max-file=4":    2 << 20,
		"max-size=1m compress=true": 1 << 20,
		"max-size=-1 max-file=5":    math.MaxInt64,
		"max-size=1m mode=blocking": 1 << 20,
	} {
		s, err := settings(t, Options{LogDriver: "json-file", LogOpts: strings.Fields(opts)})
		testkit.Check(t, err)
		testkit.Equal(t, opts, s.LogMaximum, want)
	}
	s, err := settings(t, Options{Labels: []string{"x=y"}, LogOpts: []string{"labels=x,z", "env=A,C"}})
	testkit.Check(t, err)
	testkit.Equal(t, "details", fmt.Sprint(s.LogDetails), "map[A:1 x:y]")
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{LogDriver: "syslog"}, `--log-driver "syslog": not supported`},
		{Options{LogOpts: []string{"max-file=0"}}, `"max-file=0": not a number of files`},
		{Options{LogOpts: []string{"max-size=x"}}, "not a size"},
		{Options{LogOpts: []string{"mode=non-blocking"}}, "not one of blocking"},
		{Options{LogOpts: []string{"tag=x"}}, "unknown"},
		{Options{Expose: []string{"http"}}, `--expose "http": not a port`},
		{Options{LabelFiles: []string{"/no/such"}}, "--label-file: open"},
	} {
		_, err := settings(t, test.o)
		testkit.WantError(t, test.text, err, test.text)
	}
}

func TestLabelFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "labels")
	testkit.Check(t, os.WriteFile(file, []byte("# note\nkey=from file\n other\nlast=1\n"), 0o600))
	s, err := settings(t, Options{LabelFiles: []string{file}, Labels: []string{"last=2"}})
	testkit.Check(t, err)
	testkit.Equal(t, "labels", fmt.Sprint(s.Labels), "map[key:from file last:2 other:]")
	testkit.Check(t, os.WriteFile(file, []byte("a b=1\n"), 0o600))
	_, err = settings(t, Options{LabelFiles: []string{file}})
	testkit.WantError(t, "space", err, `line 1: name "a b": contains a space`)
}

func TestExposedPorts(t *testing.T) {
	o := Options{Expose: []string{"80", "53/udp", "8000-8002/tcp"}}
	ports, err := o.ExposedPorts(map[string]struct{}{"443/tcp": {}})
	testkit.Check(t, err)
	testkit.Equal(t, "ports", len(ports), 6)
	for _, word := range []string{"", "0", "65536", "9-8", "80/http"} {
		_, err := (&Options{Expose: []string{word}}).ExposedPorts(nil)
		if hint.Of(err) == "" {
			t.Errorf("%q: %v", word, err)
		}
	}
}
