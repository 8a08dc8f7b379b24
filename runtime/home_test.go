package runtime

import (
	"os"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const accountsText = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:100::/home/ada:/bin/sh\n"

// newHome returns a container that prints HOME, with an /etc/passwd in its root.
func newHome(t *testing.T, config string) *container {
	t.Helper()
	c := newContainer(t, fields(config), "echo HOME=$HOME.")
	for _, name := range []string{"etc", "other"} {
		testkit.Check(t, os.Mkdir(c.file("rootfs/"+name), 0o755))
	}
	c.write(t, "rootfs/etc/passwd", accountsText)
	return c
}

func (c *container) write(t *testing.T, name, text string) {
	t.Helper()
	testkit.Check(t, os.WriteFile(c.file(name), []byte(text), 0o644))
}

// TestHome: HOME is the home directory of the user in the container's /etc/passwd where the
// config leaves it unset or empty, as with runc.
func TestHome(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"root":            {`{}`, "/root"},
		"another user":    {`{"process": {"user": {"uid": 1000}}}`, "/home/ada"},
		"unknown user":    {`{"process": {"user": {"uid": 7}}}`, "/"},
		"no environment":  {`{"process": {"env": []}}`, "/root"},
		"empty":           {`{"process": {"env": ["HOME="]}}`, "/root"},
		"empty after all": {`{"process": {"env": ["HOME=/mine", "HOME="]}}`, "/root"},
		"set":             {`{"process": {"env": ["HOME=/mine"]}}`, "/mine"},
		"user namespace": {`{"process": {"user": {"uid": 1000}}, "linux": {
			"namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"}],
			"uidMappings": [{"containerID": 0, "hostID": 0, "size": 2000}],
			"gidMappings": [{"containerID": 0, "hostID": 0, "size": 2000}]}}`, "/home/ada"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newHome(t, test.config)
			want(t, c.run(t), "HOME="+test.want+".")
			c.spec.Process.Args[2] = "echo HOME=$HOME. >/created; echo >>/created"
			c.spec.Process.User.UID = 0 // who may write there
			if test.config == `{}` {
				c.create(t)
				c.start(t)
				want(t, written(t, c.file("rootfs/created")), "HOME=/root.")
			}
		})
	}
}

// TestHomeOfMountedAccounts: the file is the one that the container sees.
func TestHomeOfMountedAccounts(t *testing.T) {
	for name, change := range map[string]func(c *container){
		"a mount on the file": func(c *container) { c.mount("/etc/passwd", "bind", c.file("etc/passwd"), "bind") },
		"a mount on /etc":     func(c *container) { c.mount("/etc", "bind", c.file("etc"), "bind") },
		"a mount at the end of a link": func(c *container) {
			testkit.Check(t, os.Remove(c.file("rootfs/etc/passwd")))
			testkit.Check(t, os.Symlink("../other/passwd", c.file("rootfs/etc/passwd")))
			c.mount("/other", "bind", c.file("etc"), "bind")
		},
		"a hook": func(c *container) {
			c.spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{
				c.hook("cp " + c.file("etc/passwd") + " " + c.file("rootfs/etc/passwd"))}}
			c.spec.Hooks.CreateContainer[0].Env = []string{"PATH=" + os.Getenv("PATH")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newHome(t, `{}`)
			testkit.Check(t, os.Mkdir(c.file("etc"), 0o755))
			c.write(t, "etc/passwd", "root:x:0:0::/mounted:\n")
			change(c)
			want(t, c.run(t), "HOME=/mounted.")
			c.spec.Process.Args[2] = "sleep 60"
			c.must(t, "run", "--detach", c.id)
			want(t, c.sh(t, "echo HOME=$HOME."), "HOME=/mounted.")
		})
	}
}

// TestHomeOfHostileAccounts: whatever /etc/passwd is, the start and exec do not wait for it,
// and read nothing outside of the root.
func TestHomeOfHostileAccounts(t *testing.T) {
	for name, test := range map[string]struct {
		replace func(c *container, passwd string) error
		want    string
	}{
		"missing": {func(*container, string) error { return nil }, "/"},
		"a FIFO":  {func(_ *container, passwd string) error { return unix.Mkfifo(passwd, 0o644) }, "/"},
		"a device": {func(_ *container, passwd string) error {
			return unix.Mknod(passwd, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))
		}, "/"},
		"a directory": {func(_ *container, passwd string) error { return os.Mkdir(passwd, 0o755) }, "/"},
		"huge": {func(_ *container, passwd string) error {
			return os.WriteFile(passwd, []byte(accountsText+strings.Repeat("a:x:1:1::/:\n", 1<<17)), 0o644)
		}, "/"},
		"a link out of the root": {func(c *container, passwd string) error {
			return os.Symlink(c.file("outside"), passwd)
		}, "/"},
		"a relative link out of the root": {func(c *container, passwd string) error {
			return os.Symlink("../../outside", passwd)
		}, "/"},
		"a magic link": {func(c *container, passwd string) error {
			return os.Symlink("/proc/self/root"+c.file("outside"), passwd)
		}, "/"},
		"a link within the root": {func(c *container, passwd string) error {
			return os.Symlink("/other/passwd", passwd)
		}, "/inside"},
		"a home with a NUL byte": {func(_ *container, passwd string) error {
			return os.WriteFile(passwd, []byte("root:x:0:0::/a\x00b:\n"), 0o644)
		}, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newHome(t, `{}`)
			passwd := c.file("rootfs/etc/passwd")
			c.write(t, "outside", "root:x:0:0::/outside:\n")
			c.write(t, "rootfs/other/passwd", "root:x:0:0::/inside:\n")
			testkit.Check(t, os.Remove(passwd), test.replace(c, passwd))
			end := func(got string) {
				t.Helper()
				if !strings.HasSuffix(got, "HOME="+test.want+".") {
					t.Errorf("%s, want HOME=%s.", got, test.want)
				}
			}
			end(c.run(t))
			c.spec.Process.Args[2] = "sleep 60"
			c.must(t, "run", "--detach", c.id)
			end(c.sh(t, "echo HOME=$HOME."))
		})
	}
}

// TestExecHome: another process gets the home directory of its own user.
func TestExecHome(t *testing.T) {
	c := newHome(t, `{}`)
	c.spec.Process.Args[2] = "sleep 60"
	c.must(t, "run", "--detach", c.id)
	home := []string{c.id, "sh", "-c", "echo $HOME"}
	want(t, c.sh(t, "echo $HOME"), "/root")
	want(t, c.must(t, append([]string{"exec", "--user", "1000"}, home...)...), "/home/ada")
	want(t, c.must(t, append([]string{"exec", "--user", "7:7"}, home...)...), "/")
	want(t, c.must(t, append([]string{"exec", "--env", "HOME=/mine"}, home...)...), "/mine")
	want(t, c.exec(t, `{}`, "echo $HOME"), "/root")
	want(t, c.exec(t, `{"env": null, "args": ["/bin/sh", "-c", "echo $HOME"], "user": {"uid": 1000}}`, ""), "/home/ada")
}

// TestEnvironment: the last value of a variable counts, and a value may have lines.
func TestEnvironment(t *testing.T) {
	c := newHome(t, `{"process": {"env": ["A=1", "PATH=/nowhere", "L=a\nb", "A=2", "HOME=/", "PATH=/bin"]}}`)
	c.spec.Process.Args[2] = "cat /proc/$$/environ | tr '\\0' ';'"
	want(t, c.run(t), "L=a\nb;A=2;HOME=/;PATH=/bin;")
	c.spec.Process.Args[2] = "sleep 60"
	c.must(t, "run", "--detach", c.id)
	want(t, c.must(t, "exec", "--env", "A=3", "--env", "B=", c.id, "sh", "-c", "cat /proc/$$/environ | tr '\\0' ';'"),
		"L=a\nb;HOME=/;PATH=/bin;A=3;B=;")
	for _, word := range []string{"A", "=1"} {
		c.fails(t, []string{"exec", "--env", word, c.id, "sh", "-c", "echo it runs"}, "not of the form NAME=value")
	}
}
