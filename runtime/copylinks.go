package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// copiedLinks returns the symbolic links that mounts with crun's option copy-symlink copy, for
// compile.Options.
func copiedLinks(spec *specs.Spec) (map[int]string, error) {
	var links map[int]string
	for i, m := range spec.Mounts {
		if !compile.CopiesLink(m) {
			continue
		}
		link, err := os.Readlink(m.Source)
		if errors.Is(err, unix.EINVAL) { // not a link
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("mounts[%d]: %w", i, err)
		}
		if links == nil {
			links = map[int]string{}
		}
		if links[i] = link; readLinkIn(spec.Root.Path, m.Destination) == link {
			links[i] = ""
		}
	}
	return links, nil
}

// readLinkIn returns what a symbolic link in a root filesystem points to, "" if there is none.
func readLinkIn(root, file string) string {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(dir)
	file = path.Clean("/" + file)
	above, err := unix.Openat2(dir, path.Dir(file), &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return ""
	}
	defer unix.Close(above)
	link := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(above, path.Base(file), link)
	if err != nil {
		return ""
	}
	return string(link[:n])
}
