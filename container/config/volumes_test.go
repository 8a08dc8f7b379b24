package config

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func find(t *testing.T, spec *specs.Spec, destination string) specs.Mount {
	t.Helper()
	i := slices.IndexFunc(spec.Mounts, func(m specs.Mount) bool { return m.Destination == destination })
	if i < 0 {
		t.Fatalf("no mount on %s", destination)
	}
	return spec.Mounts[i]
}

func wantPlain(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, r := range err.Error() + hint.Of(err) {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			t.Errorf("%s: control byte in %q, hint %q", what, err, hint.Of(err))
			return
		}
	}
}

func TestUserMounts(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string // destination source type options
	}{
		{Options{Volumes: []string{"/a:/b"}}, "/b /a bind rbind,rprivate"},
		{Options{Volumes: []string{"/a/../c/:/b/./d/"}}, "/b/d /c bind rbind,rprivate"},
		{Options{Volumes: []string{"/a:/b:ro"}}, "/b /a bind rbind,rro,rprivate"},
		{Options{Volumes: []string{"/a:/b:rshared,rw"}}, "/b /a bind rbind,rshared"},
		{Options{Volumes: []string{".:/b"}}, "/b /home/ada/project bind rbind,rprivate"},
		{Options{Volumes: []string{"../x:/b"}}, "/b /home/ada/x bind rbind,rprivate"},
		{Options{Volumes: []string{"/data"}}, "/data " + anonymousSource("/data") + " bind rbind,rprivate"},
		{Options{Volumes: []string{"db:/data/"}}, "/data /store/volumes/db/_data bind rbind,rprivate"},
		{Options{Volumes: []string{"db:/data:ro,nocopy,noexec"}},
			"/data /store/volumes/db/_data bind rbind,rro,rprivate,noexec"},
		{Options{Mounts: []string{"src=db,dst=/b,volume-nocopy,volume-driver=local,volume-subpath=x/./y/"}},
			"/b /store/volumes/db/_data/x/y bind rbind,rprivate"},
		{Options{Mounts: []string{"type=volume,source=a.b-c_d,target=/b,readonly"}},
			"/b /store/volumes/a.b-c_d/_data bind rbind,rro,rprivate"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b"}}, "/b /a bind rbind,rprivate"},
		{Options{Mounts: []string{"Type=bind,source=./a,destination=/b,readonly"}},
			"/b /home/ada/project/a bind rbind,rro,rprivate"},
		{Options{Mounts: []string{"type=bind,src=/a,target=/b,ro=true,bind-propagation=slave"}},
			"/b /a bind rbind,rro,slave"},
		{Options{Mounts: []string{"type=bind,src=/a,target=/b,ro=0"}}, "/b /a bind rbind,rprivate"},
		{Options{Mounts: []string{`type=bind,"src=/a,comma",target=/b`}}, "/b /a,comma bind rbind,rprivate"},
		{Options{Volumes: []string{"/a:/b:z,cached,nocopy"}}, "/b /a bind rbind,rprivate"},
		{Options{Volumes: []string{"/a:/b:ro,Z"}}, "/b /a bind rbind,rro,rprivate"},
		{Options{Volumes: []string{"/a:/b:bind,ro,noexec"}}, "/b /a bind bind,ro,rprivate,noexec"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,ro,bind-recursive=writable,consistency=cached"}},
			"/b /a bind rbind,ro,rprivate"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,bind-nonrecursive,relabel=shared"}},
			"/b /a bind bind,rprivate"},
		{Options{Mounts: []string{"dst=/b,rw=false"}}, "/b " + anonymousSource("/b") + " bind rbind,rro,rprivate"},
		{Options{Mounts: []string{"type=tmpfs,dst=/b"}}, "/b tmpfs tmpfs nosuid,nodev,noexec"},
		{Options{Mounts: []string{"type=tmpfs,dst=/b,tmpfs-size=1k,tmpfs-mode=1770,ro"}},
			"/b tmpfs tmpfs nosuid,nodev,noexec,size=1024,mode=1770,ro"},
		{Options{Tmpfs: []string{"/b"}}, "/b tmpfs tmpfs nosuid,nodev,noexec"},
		{Options{Tmpfs: []string{"/b:exec,suid,dev,size=10%"}}, "/b tmpfs tmpfs exec,suid,dev,size=10%"},
		{Options{Tmpfs: []string{"/b:exec,noexec"}}, "/b tmpfs tmpfs nosuid,nodev,noexec"},
		{Options{Tmpfs: []string{"/dev/shm:size=1g"}}, "/dev/shm tmpfs tmpfs nosuid,nodev,noexec,size=1g"},
		{Options{Volumes: []string{"/a:/etc/hosts"}}, "/etc/hosts /a bind rbind,rprivate"},
	} {
		destination, _, _ := strings.Cut(test.want, " ")
		m := find(t, mustConfig(t, test.o), destination)
		if got := strings.Join([]string{m.Destination, m.Source, m.Type, strings.Join(m.Options, ",")},
			" "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.o, got, test.want)
		}
	}
}

func TestUserMountErrors(t *testing.T) {
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{Volumes: []string{""}}, `--volume "": target "": not an absolute path`},
		{Options{Volumes: []string{"/a:b"}}, `target "b": not an absolute path`},
		{Options{Volumes: []string{"/a:/"}}, `target "/": the root cannot be mounted over`},
		{Options{Volumes: []string{"/a:/b/.."}}, "the root cannot be mounted over"},
		{Options{Volumes: []string{":/b"}}, "no source"},
		{Options{Volumes: []string{"d:/b"}}, `volume name "d": too short`},
		{Options{Volumes: []string{"da/../../ta:/b"}}, `volume name "da/../../ta": not a name`},
		{Options{Volumes: []string{"_data:/b"}}, `volume name "_data": not a name`},
		{Options{Volumes: []string{"data\x00:/b"}}, "not a name"},
		{Options{Volumes: []string{"data:/b:rshared"}}, "a volume has no propagation"},
		{Options{Volumes: []string{"data:/b:bind"}}, "a volume has no propagation"},
		{Options{Volumes: []string{"~/x:/b"}}, `source "~/x": not a path`},
		{Options{Volumes: []string{"/a\x00:/b"}}, "NUL"},
		{Options{Volumes: []string{"/a:/b\x00"}}, "NUL"},
		{Options{Volumes: []string{"/a:/b:ro:x"}}, "more than three fields"},
		{Options{Volumes: []string{"/a:/b:"}}, `option "": unknown`},
		{Options{Volumes: []string{"/a:/b:ro,rw"}}, `option "rw": unknown, or repeated`},
		{Options{Volumes: []string{"/a:/b:noatime"}}, `option "noatime": unknown`},
		{Options{Volumes: []string{"rootfs:/b:/c"}}, `option "/c": unknown`},
		{Options{Volumes: []string{"/a:/x", "/b:/x/."}}, `duplicate mount point "/x"`},
		{Options{Volumes: []string{"/a:/x"}, Tmpfs: []string{"/x"}}, `--tmpfs "/x": duplicate mount point "/x"`},
		{Options{Mounts: []string{"src=/a,dst=/b"}}, `volume name "/a": not a name`},
		{Options{Mounts: []string{"type=bind,src=/a"}}, `target "": not an absolute path`},
		{Options{Mounts: []string{"type=bind,dst=/b"}}, "no source"},
		{Options{Mounts: []string{"type=bind,src=a,dst=/b"}}, `source "a": a name, not a path`},
		{Options{Mounts: []string{"type=bind,src=rootfs:/etc,dst=/b"}}, "a name, not a path"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,tmpfs-size=1m"}}, "size=1048576: not for type=bind"},
		{Options{Mounts: []string{"type=tmpfs,src=/a,dst=/b"}}, "not for type=tmpfs"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,volume-nocopy=true"}},
			"volume-nocopy: not for type=bind"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,color=red"}}, `"color=red": unknown key`},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,bind-recursive=no"}}, "not one of enabled, disabled"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,consistency=none"}}, "not one of default, consistent"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,U=true"}}, "changing the owner"},
		{Options{Mounts: []string{"type=volume,src=../data,dst=/b"}}, `volume name "../data": not a name`},
		{Options{Mounts: []string{"src=data,dst=/b,volume-subpath=a/../../b"}}, "not a path in the volume"},
		{Options{Mounts: []string{"src=data,dst=/b,volume-subpath=/etc"}}, "not a path in the volume"},
		{Options{Mounts: []string{"dst=/b,volume-subpath=x"}}, `volume name "": not a name`},
		{Options{Mounts: []string{"src=data,dst=/b,volume-driver=nfs"}}, "only the driver local is supported"},
		{Options{Mounts: []string{"src=data,dst=/b,volume-opt=type=nfs"}}, "only the driver local is supported"},
		{Options{Mounts: []string{"src=data,dst=/b,volume-label=a=b"}}, `"volume-label=a=b": not supported`},
		{Options{Mounts: []string{"src=data,dst=/b,volume-nocopy=x"}}, `"x": not true or false`},
		{Options{Mounts: []string{"src=data,dst=/b,bind-propagation=shared"}}, "bind-propagation: not for type=volume"},
		{Options{Mounts: []string{"type=volume,dst=/b,tmpfs-size=1"}}, "not for type=volume"},
		{Options{Mounts: []string{"type=tmpfs,dst=/b,bind-propagation=slave"}}, "bind-propagation: not for type=tmpfs"},
		{Options{Mounts: []string{"type=image,src=x,dst=/b"}}, `type "image": not supported`},
		{Options{Volumes: []string{"/a:/b:U"}}, `option "U": changing the owner`},
		{Options{Volumes: []string{"/a:/b:O"}}, `option "O": an overlay`},
		{Options{Volumes: []string{"/a:/b:idmap=uids=0-1-1"}}, "idmapped mounts are not supported"},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,ro=maybe"}}, `"maybe": not true or false`},
		{Options{Mounts: []string{"type=bind,src=/a,dst=/b,bind-propagation=x"}}, "not private"},
		{Options{Mounts: []string{"type=tmpfs,dst=/b,tmpfs-mode=999"}}, "not a file mode in octal"},
		{Options{Mounts: []string{"type=tmpfs,dst=/b,tmpfs-size=big"}}, "not a size"},
		{Options{Mounts: []string{"type=tmpfs,dst"}}, `"dst": no value`},
		{Options{Mounts: []string{"type=tmpfs,dst=/b\ntype=bind"}}, "not a list of KEY=VALUE"},
		{Options{Mounts: []string{`type=tmpfs,"dst=/b`}}, "not a list of KEY=VALUE"},
		{Options{Tmpfs: []string{"run"}}, `target "run": not an absolute path`},
		{Options{Tmpfs: []string{"/run:bind"}}, `option "bind": unknown`},
		{Options{Tmpfs: []string{"/run:"}}, `option "": unknown`},
		{Options{Tmpfs: []string{"/run:size="}}, `option "size=": unknown`},
	} {
		_, err := testConfig(t, test.o)
		testkit.WantError(t, fmt.Sprint(test.o.Volumes, test.o.Mounts, test.o.Tmpfs), err, test.text)
	}
}

// TestRelabelRefusedUnderSELinux: where SELinux runs, a source without the label would be
// unreadable.
func TestRelabelRefusedUnderSELinux(t *testing.T) {
	host := testHost()
	host.SELinux = true
	for _, o := range []Options{
		{Volumes: []string{"/a:/b:z"}}, {Volumes: []string{"/a:/b:ro,Z"}},
		{Mounts: []string{"type=bind,src=/a,dst=/b,relabel=private"}},
	} {
		_, _, err := Config(&o, testImage(), testFiles(), host)
		testkit.WantError(t, fmt.Sprint(o.Volumes, o.Mounts), err, "SELinux labels are not supported")
	}
}

// TestMountOnDev: the caller's /dev comes alone, without the default's pts, shm
// and mqueue on top.
func TestMountOnDev(t *testing.T) {
	for _, m := range mustConfig(t, Options{Volumes: []string{"/mine:/dev"}}).Mounts {
		if isBelow(m.Destination, "/dev") {
			t.Errorf("mount on %s", m.Destination)
		}
	}
}

func imageVolume(t *testing.T, volume string, o Options) (*specs.Spec, error) {
	t.Helper()
	image := testImage()
	image.Config.Volumes = map[string]struct{}{volume: {}}
	spec, _, err := Config(&o, image, testFiles(), testHost())
	return spec, err
}

func TestImageVolumes(t *testing.T) {
	spec, err := imageVolume(t, "data/", Options{ReadOnly: true})
	testkit.Check(t, err)
	if m := find(t, spec, "/data"); m.Source != anonymousSource("/data") || slices.Contains(m.Options, "ro") {
		t.Errorf("volume %+v", m)
	}
	spec, err = imageVolume(t, "/data", Options{Volumes: []string{"/mine:/data"}})
	testkit.Check(t, err)
	testkit.Equal(t, "the caller's volume instead of the image's", find(t, spec, "/data").Source, "/mine")
}

// TestHostileImageVolumesRefused: the image cannot name a host path, take the place of a
// kernel filesystem, or lie inside one.
func TestHostileImageVolumesRefused(t *testing.T) {
	plain := mustConfig(t, Options{})
	for _, volume := range []string{"/proc", "/sys/", "/dev/shm", "/etc/hosts", "/dev/../proc"} {
		spec, err := imageVolume(t, volume, Options{})
		if err != nil {
			t.Errorf("%s: %v", volume, err)
			continue
		}
		destination := path.Clean(volume)
		got, want := find(t, spec, destination), find(t, plain, destination)
		if got.Source != want.Source || got.Type != want.Type {
			t.Errorf("%s: %+v, want %+v", volume, got, want)
		}
	}
	for volume, text := range map[string]string{
		"/":               "the root cannot be mounted over",
		"../..":           "the root cannot be mounted over",
		"/proc/self/attr": "cannot lie below /proc",
		"/sys/kernel":     "cannot lie below /sys",
		"/dev/null":       "cannot lie below /dev",
		"/a\x00b":         "NUL",
	} {
		_, err := imageVolume(t, volume, Options{})
		testkit.WantError(t, volume, err, text)
	}
	spec, err := imageVolume(t, "../../etc/cron.d", Options{})
	testkit.Check(t, err)
	testkit.Equal(t, "source", find(t, spec, "/etc/cron.d").Source, anonymousSource("/etc/cron.d"))
}

// TestVolumesFrom: what another container mounts is mounted, where no flag of this container mounts;
// the last container counts. ro makes all read-only.
func TestVolumesFrom(t *testing.T) {
	host := testHost()
	bind := func(source, target string) specs.Mount { return bindMount(source, target, bindOptions{}) }
	host.VolumesFrom = map[string]Container{
		"one": {
			Mounts: []specs.Mount{bind("/store/volumes/db/_data", "/db"), bind("/store/volumes/0a/_data", "/own"),
				bind("/srv", "/srv")},
			Volumes: []Volume{{Name: "db", Destination: "/db"}, {Name: "0a", Destination: "/own", Anonymous: true}},
		},
		"two": {Mounts: []specs.Mount{bind("/other", "/srv")}},
	}
	o := &Options{VolumesFrom: []string{"one:ro", "two"}, Volumes: []string{"new:/db:nocopy", "/data"}}
	spec, _, err := Config(o, testImage(), testFiles(), host)
	testkit.Check(t, err)
	testkit.Equal(t, "a flag wins", find(t, spec, "/db").Source, "/store/volumes/new/_data")
	testkit.Equal(t, "the last container wins", find(t, spec, "/srv").Source, "/other")
	testkit.Equal(t, "options", strings.Join(find(t, spec, "/own").Options, ","), "rbind,rprivate,rro")
	testkit.Equal(t, "volumes", fmt.Sprint(host.volumes(o, spec)), fmt.Sprint([]Volume{
		{Name: testHost().anonymousName("/data"), Destination: "/data", Anonymous: true},
		{Name: "new", Destination: "/db", NoCopy: true},
		{Name: "0a", Destination: "/own", Anonymous: true},
	}))
	for word, text := range map[string]string{":ro": "no container", "one:rox": `mode "rox": unknown`} {
		_, err := testConfig(t, Options{VolumesFrom: []string{word}})
		testkit.WantError(t, word, err, text)
	}
}

func FuzzVolume(f *testing.F) {
	words := "/a:/b:ro ./a:/b /data a:b /a:/b:ro,rshared :: /a:/../.. rootfs:/x data:/b:nocopy a/../b:/c"
	for word := range strings.FieldsSeq(words) {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		m, err := testHost().parseVolume(word)
		checkMount(t, m, err)
	})
}

func FuzzMount(f *testing.F) {
	words := `type=bind,src=/a,dst=/b,ro type=tmpfs,dst=/b,tmpfs-size=1m
		type=bind,"src=/a,b",dst=/c type=bind,src=rootfs:/,dst=/x src=db,dst=/b,volume-subpath=a/..`
	for word := range strings.FieldsSeq(words) {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		m, err := testHost().parseMount(word)
		checkMount(t, m, err)
	})
}

// checkMount: a mount that was accepted has a clean absolute target that is not
// the root, and a source that is absolute and clean.
func checkMount(t *testing.T, m specs.Mount, err error) {
	if err != nil {
		return
	}
	if !path.IsAbs(m.Destination) || path.Clean(m.Destination) != m.Destination || m.Destination == "/" {
		t.Errorf("destination %q", m.Destination)
	}
	if m.Type == "bind" && (!path.IsAbs(m.Source) || path.Clean(m.Source) != m.Source) {
		t.Errorf("source %q", m.Source)
	}
	if strings.ContainsRune(m.Destination+m.Source+strings.Join(m.Options, ""), 0) {
		t.Errorf("NUL in %+v", m)
	}
}

// TestPropagation: a bind mount is shared, or slave, only if its source is. On the test's
// host /proc is private and /proc/sys is slave.
func TestPropagation(t *testing.T) {
	for _, test := range []struct{ word, want string }{
		{"/proc/tty:/x:rshared", "path /proc/tty is mounted on /proc, which is not a shared mount"},
		{"/proc/tty:/x:slave", "path /proc/tty is mounted on /proc, which is not a shared or slave mount"},
		{"/proc/sys:/x:shared", "path /proc/sys is mounted on /proc/sys, which is not a shared mount"},
		{"/proc/sys/kernel:/x:rslave", ""},
		{"/processes:/x:rshared", ""},
		{"/proc/tty:/x:rprivate", ""},
	} {
		_, err := testConfig(t, Options{Volumes: []string{test.word}})
		if test.want != "" {
			testkit.WantError(t, test.word, err, test.want)
		} else if err != nil {
			t.Errorf("%s: %v", test.word, err)
		}
	}
	_, err := testConfig(t, Options{Mounts: []string{"type=bind,src=/proc/tty,dst=/x,bind-propagation=rshared"}})
	testkit.WantError(t, "--mount", err, "not a shared mount")
}
