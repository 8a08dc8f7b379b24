package runtime

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// fakeSystemd plays systemd: it receives what a service tells, and closes descriptors.
func fakeSystemd(t *testing.T) (socket string, said chan string) {
	t.Helper()
	socket, said = filepath.Join(t.TempDir(), "notify"), make(chan string, 16)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	testkit.Check(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
		for {
			n, m, _, _, err := conn.ReadMsgUnix(text, rights)
			if err != nil {
				return
			}
			if list, err := unix.ParseSocketControlMessage(rights[:m]); err == nil && len(list) == 1 {
				fds, _ := unix.ParseUnixRights(&list[0])
				unix.Close(fds[0])
			}
			said <- string(text[:n])
		}
	}()
	return socket, said
}

// ready is a script that tells its readiness as a line of a message for syslogd(8).
const ready = "ln -s $NOTIFY_SOCKET /dev/log; logger 'hello\nREADY=1'; "

// TestReadyPassedOn: systemd gets READY of the container's program, and the pid of the main
// process: that of the container, or of a minictr-oci that waits for it.
func TestReadyPassedOn(t *testing.T) {
	for _, test := range []struct{ how, script string }{
		{"run", ready + "sleep 0.2"},
		{"run --detach", ready + "sleep 60"},
		{"start", ready + "sleep 60"},
	} {
		t.Run(test.how, func(t *testing.T) {
			socket, said := fakeSystemd(t)
			t.Setenv("NOTIFY_SOCKET", socket)
			c := newContainer(t, unchanged, test.script)
			if test.how == "start" {
				c.create(t)
			}
			command := c.command(append(strings.Fields(test.how), c.id)...)
			command.Stderr = os.Stderr
			testkit.Check(t, command.Run())
			pid := command.Process.Pid
			if test.how != "run" {
				pid = c.pid(t)
			}
			want(t, <-said+<-said+<-said, fmt.Sprintf("READY=1\nMAINPID=%d\nBARRIER=1", pid))
		})
	}
}

// TestReadyNeverComes: a program that exits without READY is not waited for, and one that is
// never heard of is started all the same.
func TestReadyNeverComes(t *testing.T) {
	socket, said := fakeSystemd(t)
	t.Setenv("NOTIFY_SOCKET", socket)
	c := newContainer(t, unchanged, "stat -c '%a %n' /run/notify/*; ! touch /run/notify/x")
	c.run(t)
	c.create(t)
	c.start(t)
	select {
	case text := <-said:
		t.Errorf("systemd is told %q", text)
	case <-time.After(10 * time.Millisecond):
	}
	t.Setenv("NOTIFY_SOCKET", "/no/such/socket")
	deaf := newContainer(t, unchanged, ready)
	deaf.run(t)
}

// TestPidfdSocket: create, run and exec send a pidfd of the process they make.
func TestPidfdSocket(t *testing.T) {
	c := newContainer(t, unchanged, "sleep 60")
	socket, sent := c.file("pidfd"), make(chan string, 2)
	listen(t, socket, func(conn *net.UnixConn) {
		fd, text, err := receive(conn)
		if err != nil {
			t.Errorf("no pidfd: %v", err)
		}
		defer unix.Close(fd)
		info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
		if err != nil {
			t.Error(err)
		}
		for line := range strings.SplitSeq(string(info), "\n") {
			if pid, ok := strings.CutPrefix(line, "Pid:\t"); ok {
				sent <- string(text) + " " + pid
			}
		}
	})
	c.must(t, "create", "--pidfd-socket", socket, c.id)
	want(t, <-sent, fmt.Sprint("standard ", c.pid(t)))
	c.start(t)
	c.must(t, "exec", "--detach", "--pidfd-socket", socket, "--pid-file", c.file("pid"), c.id, "sleep", "61")
	want(t, <-sent, "setns "+testkit.ReadFile(t, c.file("pid")))
	c.fails(t, []string{"exec", "--pidfd-socket", "/no/such/socket", c.id, "ls"}, "--pidfd-socket")
}

// TestListenFdsPassedOn: sockets that systemd opened are passed, whether it has named the
// process they are for or a process between has removed that.
func TestListenFdsPassedOn(t *testing.T) {
	for _, pid := range []string{"LISTEN_PID=$$", "", "LISTEN_PID=1"} {
		c := newContainer(t, unchanged, "echo $LISTEN_FDS $LISTEN_PID; "+
			"for f in 3 4; do readlink /proc/self/fd/$f; done; true")
		c.command()
		testkit.Check(t, os.WriteFile(c.file("given"), nil, 0o644))
		got := shell(t, fmt.Sprintf("cd %s; exec 3<given 4<given; export LISTEN_FDS=2 %s; "+
			"exec %s --root state run %s", c.dir, pid, c.program, c.id))
		if pid == "LISTEN_PID=1" {
			want(t, got, "")
			continue
		}
		want(t, got, "2 1\n"+c.file("given")+"\n"+c.file("given"))
	}
}
