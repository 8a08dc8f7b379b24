package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spoil does to its own standard streams what the owner of a file can do: it changes
// mode and owner, makes them empty, and opens what it reads anew, to write. What it may
// do to a pipe is no matter; so it tells nothing.
func spoil() {
	for fd := range 3 {
		anew := fmt.Sprintf("/proc/self/fd/%d", fd)
		unix.Fchmod(fd, 0o4777)
		unix.Fchown(fd, 12, 12)
		unix.Truncate(anew, 0)
	}
	if file, err := unix.Open("/proc/self/fd/0", unix.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
		unix.Write(file, []byte("evil"))
	}
}
