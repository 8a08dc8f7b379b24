package compile

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestMountOptions(t *testing.T) {
	const (
		atime   = unix.MOUNT_ATTR__ATIME
		ro      = unix.MOUNT_ATTR_RDONLY
		noatime = unix.MOUNT_ATTR_NOATIME
		strict  = unix.MOUNT_ATTR_STRICTATIME
	)
	for _, test := range []struct {
		options string
		want    mountOpts
	}{
		{"", mountOpts{}},
		{"defaults,silent,loud,iversion,noiversion", mountOpts{}},
		{"ro,nosuid,nodev,noexec",
			mountOpts{top: call.MountAttr{
				Set: ro | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
			}}},
		{"ro,rw", mountOpts{top: call.MountAttr{Clear: ro}}},
		{"rw,ro", mountOpts{top: call.MountAttr{Set: ro}}},
		{"nosuid,suid", mountOpts{top: call.MountAttr{Clear: unix.MOUNT_ATTR_NOSUID}}},
		{"noatime", mountOpts{top: call.MountAttr{Set: noatime, Clear: atime}}},
		{"noatime,strictatime", mountOpts{top: call.MountAttr{Set: strict, Clear: atime}}},
		{"noatime,relatime", mountOpts{top: call.MountAttr{Clear: atime}}},
		{"noatime,atime", mountOpts{top: call.MountAttr{Clear: atime}}},
		{"noatime,norelatime,nostrictatime", mountOpts{top: call.MountAttr{Set: noatime, Clear: atime}}},
		{"strictatime,nostrictatime", mountOpts{top: call.MountAttr{Clear: atime}}},
		{"strictatime,atime", mountOpts{top: call.MountAttr{Set: strict, Clear: atime}}},
		{"atime", mountOpts{top: call.MountAttr{Clear: atime}}},
		{"noatime,nodiratime", mountOpts{top: call.MountAttr{Set: noatime | unix.MOUNT_ATTR_NODIRATIME, Clear: atime}}},
		{"rro", mountOpts{tree: call.MountAttr{Set: ro}}},
		{"rro,rw", mountOpts{tree: call.MountAttr{Set: ro}, top: call.MountAttr{Clear: ro}}},
		{"ro,rrw", mountOpts{tree: call.MountAttr{Clear: ro}}},
		{"noatime,rrelatime", mountOpts{tree: call.MountAttr{Clear: atime}}},
		{"rnosymfollow,rnoatime",
			mountOpts{tree: call.MountAttr{Set: unix.MOUNT_ATTR_NOSYMFOLLOW | noatime, Clear: atime}}},
		{"size=64k,mode=755,sync,lazytime", mountOpts{data: []string{"size=64k", "mode=755", "sync", "lazytime"}}},
		{"bind", mountOpts{bind: true}},
		{"rbind,rslave", mountOpts{bind: true, recursive: true, propagation: []propagation{{unix.MS_SLAVE, true}}}},
		{"bind,slave,shared",
			mountOpts{bind: true, propagation: []propagation{{unix.MS_SLAVE, false}, {unix.MS_SHARED, false}}}},
		{"remount,ro", mountOpts{remount: true, top: call.MountAttr{Set: ro}}},
		{"tmpcopyup", mountOpts{copyUp: true}},
		{"bind,copy-symlink", mountOpts{bind: true, copyLink: true}},
		{"rbind,ridmap", mountOpts{bind: true, recursive: true, idmap: true, idmapRecursive: true}},
	} {
		m := specs.Mount{Destination: "/x", Type: "tmpfs", Source: "tmpfs"}
		if test.options != "" {
			m.Options = strings.Split(test.options, ",")
		}
		got, err := mountOptions(m)
		if err != nil || !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%s: error %v\n got %+v\nwant %+v", test.options, err, *got, test.want)
		}
	}
}

// TestEverySpecOptionKnown: each option of the table in config.md is known, and only
// those of superblocks are passed to the filesystem.
func TestEverySpecOptionKnown(t *testing.T) {
	superblock := strings.Fields("async dirsync lazytime mand nolazytime nomand sync")
	for _, word := range strings.Fields(`async atime bind defaults dev diratime dirsync exec iversion lazytime loud
		mand noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow
		private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodiratime rnoexec rnorelatime
		rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow
		runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap`) {
		m := specs.Mount{Destination: "/x", Type: "tmpfs", Source: "/y", Options: []string{word}}
		if strings.HasSuffix(word, "idmap") {
			m.Options = []string{"bind", word}
		}
		o, err := mountOptions(m)
		testkit.Check(t, err)
		if len(o.data) > 0 && !slices.Contains(superblock, word) {
			t.Errorf("%s is passed to the filesystem", word)
		}
	}
}

// setattrs returns the mount_setattr calls for a mount with these options.
func setattrs(t *testing.T, options ...string) string {
	t.Helper()
	spec := testSpec()
	spec.Mounts[4].Options = options
	var list []string
	for _, c := range calls(t, spec, "mount_setattr", "") {
		if rest, ok := strings.CutPrefix(c, `mount_setattr(@mounts[4], "", `); ok {
			rest = strings.NewReplacer("AT_EMPTY_PATH", "", "|AT_RECURSIVE", "all ", "MOUNT_ATTR_", "", "MS_", "",
				", 32)", "", ", {", "{").Replace(rest)
			list = append(list, rest)
		}
	}
	return strings.Join(list, " ")
}

// TestPropagation: what becomes of a tree that is bound, call by call. Nothing is
// passed on to the host unless the word is shared.
func TestPropagation(t *testing.T) {
	for options, want := range map[string]string{
		"bind":                "{propagation=PRIVATE}",
		"rbind":               "all {propagation=PRIVATE}",
		"rbind,private":       "all {propagation=PRIVATE}",
		"rbind,slave":         "all {propagation=SLAVE}",
		"rbind,rslave":        "all {propagation=SLAVE}",
		"rbind,shared":        "{propagation=SHARED}",
		"rbind,rshared":       "all {propagation=SHARED}",
		"bind,rshared":        "{propagation=SHARED}",
		"rbind,unbindable":    "all {propagation=PRIVATE} {propagation=UNBINDABLE}",
		"bind,unbindable":     "{propagation=UNBINDABLE}",
		"rbind,runbindable":   "all {propagation=UNBINDABLE}",
		"rbind,rslave,shared": "all {propagation=SLAVE} {propagation=SHARED}",
		"rbind,ro":            "all {propagation=PRIVATE} {attr_set=RDONLY, attr_clr=NOSUID|NODEV|NOEXEC|NOSYMFOLLOW}",
		"rbind,rro":           "all {attr_set=RDONLY, propagation=PRIVATE}",
		"rbind,rro,rw": "all {attr_set=RDONLY, propagation=PRIVATE} " +
			"{attr_clr=RDONLY|NOSUID|NODEV|NOEXEC|NOSYMFOLLOW}",
		"bind,rro,nosuid": "{attr_set=RDONLY|NOSUID, attr_clr=NODEV|NOEXEC|NOSYMFOLLOW, propagation=PRIVATE}",
		"bind,noatime,rslave,shared": "{attr_set=NOATIME, " +
			"attr_clr=RDONLY|NOSUID|NODEV|NOEXEC|_ATIME|NODIRATIME|NOSYMFOLLOW, propagation=SLAVE} " +
			"{propagation=SHARED}",
	} {
		if got := setattrs(t, strings.Split(options, ",")...); got != want {
			t.Errorf("%s\n got %s\nwant %s", options, got, want)
		}
	}
}
