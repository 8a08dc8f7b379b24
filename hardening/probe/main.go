// Probe runs inside a container and tries what an attacker would. Each word of its
// command line is a question about its own process, and the answer is a line "question:
// answer" with the kernel's name of an error.
//
// It is static and needs no file of the root.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case "fds":
		descriptors()
	case "cwd":
		workingDirectory()
	case "open":
		open(args)
	case "write":
		write(args)
	case "node":
		node(args)
	case "exes":
		executables()
	case "watch":
		watch()
	case "calls":
		calls(args)
	case "session":
		session()
	case "push":
		push()
	case "swap":
		swap(args[0], args[1])
	case "spoil":
		spoil()
	case "sleep":
		time.Sleep(time.Hour)
	default:
		os.Exit(2)
	}
}

func answer(question string, err error) { fmt.Printf("%s: %s\n", question, outcome(err)) }

// outcome is the name of an error number: EPERM.
func outcome(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// descriptors lists the open descriptors, without the one that reads the list.
func descriptors() {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	names, _ := dir.Readdirnames(-1)
	for _, n := range names {
		to, err := os.Readlink("/proc/self/fd/" + n)
		if err != nil || n == strconv.Itoa(int(dir.Fd())) || strings.HasPrefix(to, "anon_inode:") {
			continue
		}
		fmt.Printf("%s: %s\n", n, to)
	}
}

// workingDirectory prints where the process is, and what it sees there.
func workingDirectory() {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buf)
	if err != nil {
		answer("cwd", err)
		return
	}
	fmt.Printf("cwd: %s\n", buf[:max(n-1, 0)])
	for _, up := range []string{".", "..", "../..", "../../..", "../../../.."} {
		for _, name := range []string{"file", "secret", "canary/file"} {
			if data, err := os.ReadFile(filepath.Join(up, name)); err == nil {
				fmt.Printf("%s/%s: %s", up, name, data)
			}
		}
	}
}

// open opens a file and reads a byte: "empty" is the end of the file.
func open(paths []string) {
	for _, p := range paths {
		fd, err := unix.Open(p, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			answer(p, err)
			continue
		}
		var st unix.Stat_t
		unix.Fstat(fd, &st)
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			names, _ := os.NewFile(uintptr(fd), p).Readdirnames(1)
			fmt.Printf("%s: %s\n", p, map[bool]string{true: "empty", false: "ok"}[len(names) == 0])
			continue
		}
		n, err := unix.Read(fd, make([]byte, 1))
		if err == nil && n == 0 {
			fmt.Printf("%s: empty\n", p)
			continue
		}
		answer(p, err)
	}
}

func write(paths []string) {
	for _, p := range paths {
		fd, err := unix.Open(p, unix.O_WRONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			_, err = unix.Write(fd, []byte("1"))
		}
		answer(p, err)
	}
}

// node makes a device and opens it: "node b 254 0".
func node(args []string) {
	kind := map[string]uint32{"b": unix.S_IFBLK, "c": unix.S_IFCHR}[args[0]]
	major, _ := strconv.ParseUint(args[1], 10, 32)
	minor, _ := strconv.ParseUint(args[2], 10, 32)
	const path = "/made"
	answer("mknod", unix.Mknod(path, kind|0o666, int(unix.Mkdev(uint32(major), uint32(minor)))))
	open([]string{path})
}

// executables looks at the program of each visible process.
func executables() {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range all {
		fd, err := unix.Open(p, unix.O_PATH, 0)
		if err == nil {
			_, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "comm"))
		fmt.Printf("%s: %s\n", strings.TrimSpace(string(name)), outcome(err))
	}
}

// session prints the session of this process and its terminal.
func session() {
	sid, err := unix.Getsid(0)
	fmt.Printf("leader: %v\n", err == nil && sid == os.Getpid())
	_, err = unix.Open("/dev/tty", unix.O_RDWR, 0)
	answer("tty", err)
}

// push inserts a character into the input of each terminal it can reach.
func push() {
	for _, p := range []string{"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/console"} {
		fd, err := unix.Open(p, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err == nil {
			err = ioctl(fd, unix.TIOCSTI, "x")
		}
		answer(p, err)
	}
	for fd := range 3 {
		answer(strconv.Itoa(fd), ioctl(fd, unix.TIOCSTI, "x"))
	}
}
