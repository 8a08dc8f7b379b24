package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// serve answers one connection after the other, without end. It makes the
// system calls itself: package net would make it start later and take more
// memory than what it is there to measure.
func serve(where string) error {
	listener, err := listen(where)
	if err != nil {
		return err
	}
	for {
		conn, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			answer(conn)
			unix.Close(conn)
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return os.NewSyscallError("accept4", err)
		}
	}
}

// listen on "unix:PATH" or "tcp:PORT".
func listen(where string) (int, error) {
	network, address, _ := strings.Cut(where, ":")
	if network == "unix" {
		return listenUnix(address)
	}
	port, err := strconv.ParseUint(address, 10, 16)
	if network != "tcp" || err != nil {
		return -1, os.ErrInvalid
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt", err)
	}
	return bindAndListen(fd, &unix.SockaddrInet4{Port: int(port)})
}

// listenUnix gives the socket its name only when it is being listened on: who
// sees the name (inotify tells it at once) can connect, and has not to try.
func listenUnix(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if _, err := bindAndListen(fd, &unix.SockaddrUnix{Name: path + ".new"}); err != nil {
		return -1, err
	}
	return fd, os.Rename(path+".new", path)
}

func bindAndListen(fd int, address unix.Sockaddr) (int, error) {
	if err := unix.Bind(fd, address); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, os.NewSyscallError("listen", unix.Listen(fd, 16))
}

// answer reads a request to its empty line and sends where we are. A client
// that goes away harms nobody.
func answer(conn int) {
	var request []byte
	var piece [512]byte
	for !bytes.Contains(request, []byte("\r\n\r\n")) {
		n, err := unix.Read(conn, piece[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || len(request) > 8192 {
			return
		}
		request = append(request, piece[:n]...)
	}
	body := describe()
	reply := "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	unix.SendmsgN(conn, []byte(reply), nil, nil, unix.MSG_NOSIGNAL)
}

// describe is the answer: see benchmark.Answer.
func describe() string {
	var name unix.Utsname
	unix.Uname(&name)
	entries, _ := os.ReadDir("/proc")
	processes := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			processes++
		}
	}
	return `{"kernel":` + strconv.Quote(unix.ByteSliceToString(name.Release[:])) +
		`,"processes":` + strconv.Itoa(processes) +
		`,"memoryKiB":` + field("/proc/meminfo", "MemTotal:") +
		`,"ownKiB":` + field("/proc/self/status", "VmRSS:") +
		`,"beganNS":` + strconv.FormatInt(began.Nano(), 10) + "}\n"
}

// field of a file of /proc, a number; 0 if it is not told there.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return words[1]
		}
	}
	return "0"
}
