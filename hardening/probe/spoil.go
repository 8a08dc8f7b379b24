package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spoil does to its standard streams what the owner of a file can do: it changes mode
// and owner, truncates, and reopens its input for writing.
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
