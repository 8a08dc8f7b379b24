package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// watch looks at each other process in an endless loop, for a way out of the container:
// a link in /proc of a process that is entering may lead to the host. It prints each
// answer once, as "NAME LINK: answer", where NAME is the process's comm.
func watch() {
	var here unix.Stat_t
	unix.Stat("/", &here)
	seen := map[string]bool{"": true}
	fmt.Println("watch: begins")
	for {
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range all {
			if dir == "/proc/"+strconv.Itoa(os.Getpid()) {
				continue
			}
			name, lines := command(dir), look(dir, &here)
			if command(dir) != name {
				continue // it has executed another program
			}
			for _, l := range lines {
				if l = name + " " + l; !seen[l] {
					seen[l] = true
					fmt.Println(l)
				}
			}
		}
	}
}

func command(dir string) string {
	name, _ := os.ReadFile(dir + "/comm")
	return strings.TrimSpace(string(name))
}

// look tries the links of one process.
func look(dir string, here *unix.Stat_t) []string {
	lines := []string{
		"exe: " + door(dir+"/exe"), "mem: " + writable(dir+"/mem"), "environ: " + readable(dir+"/environ"),
		"root: " + directory(dir+"/root", here), "cwd: " + directory(dir+"/cwd", here),
	}
	fds, _ := os.ReadDir(dir + "/fd")
	for _, fd := range fds {
		lines = append(lines, "fd "+fd.Name()+": "+door(dir+"/fd/"+fd.Name()))
	}
	return lines
}

// directory reports whether a link leads to another directory than our root.
func directory(link string, here *unix.Stat_t) string {
	var there unix.Stat_t
	err := unix.Stat(link, &there)
	if err == nil && (there.Dev != here.Dev || there.Ino != here.Ino) {
		return "elsewhere"
	}
	return outcome(err)
}

// door is the target of a link in procfs, if it can be followed.
func door(link string) string {
	fd, err := unix.Open(link, unix.O_PATH, 0)
	if err != nil {
		return outcome(err)
	}
	defer unix.Close(fd)
	to, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return outcome(err)
	}
	return to
}

func writable(file string) string {
	fd, err := unix.Open(file, unix.O_RDWR, 0)
	if err == nil {
		unix.Close(fd)
	}
	return outcome(err)
}

// readable tries to read: a file of procfs may open and be empty.
func readable(file string) string {
	data, err := os.ReadFile(file)
	if err == nil && len(data) == 0 {
		return "empty"
	}
	return outcome(err)
}
