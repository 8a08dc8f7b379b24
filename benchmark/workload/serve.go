package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// serve answers one connection after the other. It makes the system calls itself:
// package net would take longer to start and more memory than what is measured.
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

// listen listens on "unix:PATH" or "tcp:PORT". A Unix socket gets its name when it
// listens: a client that sees the name (inotify(7)) can connect.
func listen(where string) (int, error) {
	network, address, _ := strings.Cut(where, ":")
	var sockaddr unix.Sockaddr = &unix.SockaddrUnix{Name: address + ".new"}
	family := unix.AF_UNIX
	if network != "unix" {
		port, err := strconv.ParseUint(address, 10, 16)
		if network != "tcp" || err != nil {
			return -1, os.ErrInvalid
		}
		family, sockaddr = unix.AF_INET, &unix.SockaddrInet4{Port: int(port)}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, sockaddr); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 16); err != nil {
		return -1, os.NewSyscallError("listen", err)
	}
	if network == "unix" {
		err = os.Rename(address+".new", address)
	}
	return fd, err
}

// answer reads a request, which is short enough to arrive at once, and replies. It
// ignores a client that closes the connection.
func answer(conn int) {
	var request [512]byte
	n, _ := unix.Read(conn, request[:])
	words := strings.Fields(string(request[:max(n, 0)])) // GET /KIND/MILLISECONDS HTTP/1.0
	if len(words) < 2 {
		return
	}
	status, body := "200 OK", ""
	if kind, ms, _ := strings.Cut(words[1][1:], "/"); kind == "" {
		body = describe()
	} else if perSecond, err := work(kind, ms); err == nil {
		body = strconv.Itoa(perSecond)
	} else {
		status, body = "400 Bad Request", err.Error()
	}
	reply := "HTTP/1.0 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)+1) + "\r\n\r\n" + body + "\n"
	unix.SendmsgN(conn, []byte(reply), nil, nil, unix.MSG_NOSIGNAL)
}

// describe returns a benchmark.Answer as JSON.
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
		`,"beganNS":` + strconv.FormatInt(began.Nano(), 10) + "}"
}

// field returns a number of a file of /proc; 0 if it is not there.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return words[1]
		}
	}
	return "0"
}
