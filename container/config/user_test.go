package config

import (
	"bytes"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/accounts"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestUser(t *testing.T) {
	for _, test := range []struct {
		user     string
		uid, gid uint32
		groups   []uint32
	}{
		{"", 0, 0, []uint32{0, 10}},
		{"root", 0, 0, []uint32{0, 10}},
		{"ada", 1000, 100, []uint32{100, 10, 44, 0}},
		{"1000", 1000, 100, []uint32{100, 10, 44, 0}},
		{"ada:video", 1000, 44, []uint32{44}},
		{"ada:7", 1000, 7, []uint32{7}},
		{"5:6", 5, 6, []uint32{6}},
		{"5", 5, 0, []uint32{0}},
		{":44", 0, 44, []uint32{44}},
		{"ada:", 1000, 100, []uint32{100, 10, 44, 0}},
		{"4294967294", 4294967294, 0, []uint32{0}},
	} {
		got := mustConfig(t, Options{User: test.user}).Process.User
		if got.UID != test.uid || got.GID != test.gid || !slices.Equal(got.AdditionalGids, test.groups) {
			t.Errorf("--user %q: %+v, want %d:%d %v", test.user, got, test.uid, test.gid, test.groups)
		}
	}
}

func TestUserOfImage(t *testing.T) {
	image := testImage()
	image.Config.User = "ada"
	for flag, want := range map[string]uint32{"": 1000, "0": 0} {
		spec, _, err := Config(&Options{User: flag}, image, testFiles(), testHost())
		if err != nil || spec.Process.User.UID != want {
			t.Errorf("--user %q: %v, %v, want %d", flag, spec, err, want)
		}
	}
}

// TestNumberIsNeverAName: "1001" and "1002" are names of root in the
// image's files, and stay numbers.
func TestNumberIsNeverAName(t *testing.T) {
	got := mustConfig(t, Options{User: "1001:1002"}).Process.User
	if got.UID != 1001 || got.GID != 1002 {
		t.Errorf("uid %d, gid %d, want 1001, 1002", got.UID, got.GID)
	}
}

// TestIDsAreStrict32Bits: neither a flag nor a line of /etc/passwd reaches uid 0
// by overflow, sign or nonsense.
func TestIDsAreStrict32Bits(t *testing.T) {
	for _, word := range []string{"4294967296", "4294967295", "-1", "+0", "18446744073709551616", "--5", "-"} {
		for _, user := range []string{word, "0:" + word} {
			spec, err := testConfig(t, Options{User: user})
			testkit.WantError(t, user, err, "not between 0 and 4294967294")
			if spec != nil {
				t.Errorf("--user %q gave %+v", user, spec.Process.User)
			}
		}
	}
	for _, name := range []string{"wrap", "minus", "word", "short"} {
		_, err := testConfig(t, Options{User: name})
		testkit.WantError(t, name, err, "no matching entries in the container's /etc/passwd")
		if hint.Of(err) == "" {
			t.Errorf("%s: no hint", name)
		}
	}
}

// TestGroupsAlwaysSet: an empty list would leave the caller's groups.
func TestGroupsAlwaysSet(t *testing.T) {
	for _, user := range []string{"", "5", "5:6", "ada", ":44"} {
		got := mustConfig(t, Options{User: user}).Process.User
		if !slices.Contains(got.AdditionalGids, got.GID) {
			t.Errorf("--user %q: groups %v without %d", user, got.AdditionalGids, got.GID)
		}
	}
}

// TestHostileAccountFilesRefused: a FIFO would block for ever, a huge file fill memory.
func TestHostileAccountFilesRefused(t *testing.T) {
	huge := bytes.Repeat([]byte("a:x:1:1::/:/\n"), accounts.MaxSize/10)
	for what, test := range map[string]struct {
		file *fstest.MapFile
		text string
	}{
		"FIFO":      {&fstest.MapFile{Mode: fs.ModeNamedPipe | 0o644}, "not a regular file"},
		"device":    {&fstest.MapFile{Mode: fs.ModeDevice | 0o644}, "not a regular file"},
		"directory": {&fstest.MapFile{Mode: fs.ModeDir | 0o755}, "not a regular file"},
		"huge":      {&fstest.MapFile{Data: huge}, "larger than 1048576 bytes"},
	} {
		for _, user := range []string{"ada", "1000", ""} {
			_, _, err := Config(&Options{User: user}, testImage(), fstest.MapFS{"etc/passwd": test.file}, testHost())
			testkit.WantError(t, what, err, test.text)
		}
	}
}

// noAccess is a root whose files the caller may not read.
type noAccess struct{}

func (noAccess) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestMissingAccountFiles(t *testing.T) {
	for what, files := range map[string]fs.FS{"missing": fstest.MapFS{}, "not ours": noAccess{}} {
		for _, user := range []string{"", "1000", "1000:1000"} {
			if _, _, err := Config(&Options{User: user}, testImage(), files, testHost()); err != nil {
				t.Errorf("%s: --user %q: %v", what, user, err)
			}
		}
		for _, user := range []string{"ada", "0:wheel"} {
			_, _, err := Config(&Options{User: user}, testImage(), files, testHost())
			if err == nil || hint.Of(err) == "" {
				t.Errorf("%s: --user %q: error %v, hint %q", what, user, err, hint.Of(err))
			}
		}
	}
}

// FuzzUser: whatever is asked for and whatever the files say, a user without
// an entry for 0 is root only if "0" was typed.
func FuzzUser(f *testing.F) {
	f.Add("ada:wheel", "video", "ada:x:1000:100::/:/bin/sh", "wheel:x:10:ada\nvideo:x:44:")
	f.Add("4294967296", "0", "4294967296:x:0:0::/:/", "")
	f.Add("-1:+1", "+1", "a:x:-1:4294967296::/:/", "b:x:00:a")
	f.Fuzz(func(t *testing.T, user, add, passwd, group string) {
		files := fstest.MapFS{"etc/passwd": {Data: []byte(passwd)}, "etc/group": {Data: []byte(group)}}
		spec, _, err := Config(&Options{User: user, GroupAdd: []string{add}}, testImage(), files, testHost())
		if err != nil {
			return
		}
		gids := spec.Process.User.AdditionalGids
		if n, err := strconv.ParseUint(add, 10, 32); err == nil && !slices.Contains(gids, uint32(n)) {
			t.Errorf("--group-add %q gave %v", add, gids)
		}
		word, _, _ := strings.Cut(user, ":")
		if strings.Trim(word, "0123456789") == "" && spec.Process.User.UID == 0 && strings.Trim(word, "0") != "" {
			t.Errorf("number %q became root", word)
		}
		if !slices.Contains(spec.Process.User.AdditionalGids, spec.Process.User.GID) {
			t.Errorf("groups %v without %d", spec.Process.User.AdditionalGids, spec.Process.User.GID)
		}
	})
}

func TestUserOutsideMapping(t *testing.T) {
	_, err := testConfig(t, Options{User: "1000", Userns: "0:100000:1000"})
	testkit.WantError(t, "--userns", err, `user "1000": UID 1000 or GID 100 is not mapped by --userns`)
	spec := mustConfig(t, Options{User: "999", Userns: "0:100000:1000"})
	if want := (specs.LinuxIDMapping{HostID: 100000, Size: 1000}); spec.Linux.GIDMappings[0] != want {
		t.Errorf("gid mappings %+v", spec.Linux.GIDMappings)
	}
}

// TestGroupOutsideUserns: ada is in wheel (10) and video (44), too.
func TestGroupOutsideUserns(t *testing.T) {
	_, err := testConfig(t, Options{User: "ada", Userns: "0:100000:44,1000:101000:1,100:100100:1"})
	testkit.WantError(t, "ada", err, "group 44 of the user is not mapped")
	mustConfig(t, Options{User: "ada:users", Userns: "0:100000:44,1000:101000:1,100:100100:1"})
}
