package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// swap exchanges two paths as fast as it can and for ever.
func swap(a, b string) {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	answer("swap", err)
	for err == nil {
		err = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	}
	fmt.Println(err)
}
