package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// swap exchanges two paths in an endless loop.
func swap(a, b string) {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	answer("swap", err)
	for err == nil {
		err = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	}
	fmt.Println(err)
}
