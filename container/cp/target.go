package cp

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// What a copy is called, by docker's rules (docs.docker.com/reference/cli/
// docker/container/cp):
//
//	SOURCE is        TARGET is nothing   TARGET is a file   TARGET is a folder
//	a file           becomes TARGET      takes its place    TARGET/SOURCE
//	a folder         becomes TARGET      refused            TARGET/SOURCE
//	a folder, "/."   becomes TARGET      refused            what is in it, to TARGET
//
// A file for a TARGET that ends in a slash, where no folder is, is refused, and
// so is a device that would be replaced. The folder that TARGET lies in must be
// there.

// targetName returns the name that the source gets in the place's folder; "." stands
// for what is in it.
func targetName(s *source, p *target) (string, error) {
	exists := p.kind != 0
	switch {
	case p.name == "" && s.contents:
		return ".", nil
	case p.name == "":
		return s.name, nil
	case s.isDir && exists:
		return "", p.wrap("copy onto", p.path, errors.New("cannot copy a folder onto a file"))
	case p.slash && exists:
		return "", p.wrap("copy to", p.path, unix.ENOTDIR)
	case p.kind == unix.S_IFCHR || p.kind == unix.S_IFBLK:
		return "", p.wrap("copy onto", p.path, errDevice)
	case p.slash && !s.isDir:
		return "", hint.New(p.wrap("copy to", p.path, errors.New("no such folder")), "make the folder first, or leave out the slash at the end")
	}
	return p.name, nil
}
