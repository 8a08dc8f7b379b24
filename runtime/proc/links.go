package proc

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Descriptor is an open file of a process.
type Descriptor struct {
	Number int    `json:"number"`
	File   string `json:"file"`   // a path, or what it is: "pipe:[123]"
	Access string `json:"access"` // O_RDONLY, O_WRONLY, O_RDWR or O_PATH
	// CloseOnExec is true if execve(2) closes it.
	CloseOnExec bool `json:"closeOnExec"`
}

// namespaceTypes are the kinds of namespaces, by their names below /proc/PID/ns and in the
// OCI specification.
var namespaceTypes = [][2]string{
	{"mnt", "mount"}, {"pid", "pid"}, {"net", "network"}, {"uts", "uts"},
	{"ipc", "ipc"}, {"cgroup", "cgroup"}, {"user", "user"}, {"time", "time"},
}

// Namespaces returns the namespaces of a process.
func Namespaces(pid int) ([]Namespace, error) {
	v := &View{}
	err := look(pid, v.readNamespaces)
	return v.Namespaces, err
}

// readNamespaces reads the links below /proc/PID/ns: "pid:[4026531836]".
func (v *View) readNamespaces(dir *os.Root) error {
	for _, kind := range namespaceTypes {
		link, err := dir.Readlink("ns/" + kind[0])
		if errors.Is(err, fs.ErrNotExist) && kind[0] == "time" {
			continue // before Linux 5.6
		}
		if err != nil {
			return err
		}
		_, number, _ := strings.Cut(strings.TrimSuffix(link, "]"), ":[")
		inode, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return fmt.Errorf("ns/%s: %q: %w", kind[0], link, err)
		}
		v.Namespaces = append(v.Namespaces, Namespace{kind[1], inode})
	}
	return nil
}

// readLinks reads the links to the program, the root and the working directory.
func (v *View) readLinks(dir *os.Root) (err error) {
	for name, to := range map[string]*string{"exe": &v.Exe, "root": &v.Root, "cwd": &v.Cwd} {
		if *to, err = dir.Readlink(name); err != nil {
			return err
		}
	}
	return nil
}

func (v *View) readMaps(dir *os.Root) (err error) {
	if v.UIDMap, err = readMap(dir, "uid_map"); err == nil {
		v.GIDMap, err = readMap(dir, "gid_map")
	}
	return err
}

func readMap(dir *os.Root, name string) ([]IDMap, error) {
	text, err := dir.ReadFile(name)
	if err != nil {
		return nil, err
	}
	list := []IDMap{}
	for line := range strings.Lines(string(text)) {
		n, err := numbers[uint32](line)
		if err != nil || len(n) != 3 {
			return nil, fmt.Errorf("%s: %q", name, line)
		}
		list = append(list, IDMap{n[0], n[1], n[2]})
	}
	return list, nil
}

// readDescriptors reads the directories fd and fdinfo (proc_pid_fd(5)). A descriptor that
// is closed meanwhile is left out.
func (v *View) readDescriptors(dir *os.Root) error {
	f, err := dir.Open("fd")
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	v.Files = []Descriptor{}
	for _, name := range names {
		d, err := readDescriptor(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		v.Files = append(v.Files, d)
	}
	slices.SortFunc(v.Files, func(a, b Descriptor) int { return cmp.Compare(a.Number, b.Number) })
	return nil
}

func readDescriptor(dir *os.Root, name string) (d Descriptor, err error) {
	if d.Number, err = strconv.Atoi(name); err != nil {
		return d, err
	}
	if d.File, err = dir.Readlink(path.Join("fd", name)); err != nil {
		return d, err
	}
	info, err := dir.ReadFile(path.Join("fdinfo", name))
	if err != nil {
		return d, err
	}
	for line := range strings.Lines(string(info)) {
		if octal, ok := strings.CutPrefix(line, "flags:\t"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(octal), 8, 32)
			if err != nil {
				return d, fmt.Errorf("fdinfo/%s: flags %q: %w", name, octal, err)
			}
			d.Access, d.CloseOnExec = access(flags), flags&unix.O_CLOEXEC != 0
		}
	}
	return d, nil
}

func access(flags uint64) string {
	if flags&unix.O_PATH != 0 {
		return "O_PATH"
	}
	return [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[flags&unix.O_ACCMODE]
}
