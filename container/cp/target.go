package cp

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// The name of a copy, by docker's rules (docs.docker.com/reference/cli/
// docker/container/cp):
//
//	SOURCE           TARGET does not exist   TARGET is a file   TARGET is a directory
//	file             becomes TARGET          replaces TARGET    TARGET/SOURCE
//	directory        becomes TARGET          refused            TARGET/SOURCE
//	directory/.      becomes TARGET          refused            its contents, to TARGET
//
// Refused are also a file for a TARGET with a slash at its end that is not a directory,
// and a TARGET that is a device. The parent directory of TARGET must exist.

// targetName returns the name that the source gets in the directory of dst; "." stands for
// the contents of the source.
func targetName(s *source, dst *target) (string, error) {
	exists := dst.kind != 0
	switch {
	case dst.name == "" && s.contents:
		return ".", nil
	case dst.name == "":
		return s.name, nil
	case s.isDir && exists:
		return "", dst.wrap("copy onto", dst.path, errors.New("cannot copy a directory onto a file"))
	case dst.slash && exists:
		return "", dst.wrap("copy to", dst.path, unix.ENOTDIR)
	case dst.kind == unix.S_IFCHR || dst.kind == unix.S_IFBLK:
		return "", dst.wrap("copy onto", dst.path, errDevice)
	case dst.slash && !s.isDir:
		return "", hint.New(dst.wrap("copy to", dst.path, errors.New("no such directory")),
			"create the directory first, or leave out the slash at the end")
	}
	return dst.name, nil
}
