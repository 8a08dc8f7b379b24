package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// ErrNotExist is the error if there is no such process, or it has ended.
var ErrNotExist = errors.New("no such process")

// View is a process as the kernel describes it.
type View struct {
	Pids       []int        `json:"pids"` // in the caller's pid namespace first, in its own last
	Comm       string       `json:"comm"` // its name, as ps(1) prints it
	Exe        string       `json:"exe"`  // the file of its program
	Root       string       `json:"root"` // what "/" means to it, as a path of the caller
	Cwd        string       `json:"cwd"`  // its working directory
	Namespaces []Namespace  `json:"namespaces"`
	Mounts     []Mount      `json:"mounts"` // of its mount namespace, in the order of mounting
	Cgroup     Cgroup       `json:"cgroup"`
	UIDs       [4]uint32    `json:"uids"` // real, effective, saved, filesystem; as the caller's user namespace has them
	GIDs       [4]uint32    `json:"gids"`
	Groups     []uint32     `json:"groups"`
	UIDMap     []IDMap      `json:"uidMap"` // empty: none is set yet
	GIDMap     []IDMap      `json:"gidMap"`
	Caps       Caps         `json:"capabilities"`
	NoNewPrivs bool         `json:"noNewPrivs"`
	Seccomp    Seccomp      `json:"seccomp"`
	Files      []Descriptor `json:"descriptors"`
}

// Namespace is a namespace of a process (namespaces(7)).
type Namespace struct {
	Type  string `json:"type"`  // "pid", as in the OCI specification
	Inode uint64 `json:"inode"` // two processes with the same number share it
}

// Mount is a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type Mount struct {
	Mountpoint  string `json:"mountpoint"`
	Type        string `json:"type"`
	Source      string `json:"source"`
	Root        string `json:"root"`        // the directory of the filesystem that is mounted
	Options     string `json:"options"`     // of the mount
	Super       string `json:"super"`       // of the filesystem
	Propagation string `json:"propagation"` // "" is private
}

// IDMap is a line of /proc/PID/uid_map or gid_map (user_namespaces(7)).
type IDMap struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Size    uint32 `json:"size"`
}

// Look returns the view of a process. The error is ErrNotExist if there is none: a process
// that ends meanwhile has no half-read view, even if its pid is used again.
func Look(pid int) (*View, error) {
	v := &View{}
	err := look(pid, v.readStatus, v.readLinks, v.readNamespaces, v.readMounts, v.readCgroup, v.readMaps,
		v.readDescriptors)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// look calls the functions with the directory /proc/PID: a descriptor of it belongs to this
// one process.
func look(pid int, read ...func(*os.Root) error) error {
	dir, err := os.OpenRoot("/proc/" + strconv.Itoa(pid))
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, gone(err))
	}
	defer dir.Close()
	for _, read := range read {
		if err := read(dir); err != nil {
			return fmt.Errorf("process %d: %w", pid, gone(err))
		}
	}
	return nil
}

// gone returns ErrNotExist for the errors of a process that has ended.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return ErrNotExist
	}
	return err
}

func (v *View) readMounts(dir *os.Root) error {
	f, err := dir.Open("mountinfo")
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := mountinfo.GetMountsFromReader(f, nil)
	if errors.Is(err, unix.EINVAL) {
		return ErrNotExist // of a process without a mount namespace: it has ended
	}
	for _, m := range list {
		v.Mounts = append(v.Mounts, Mount{
			Mountpoint: m.Mountpoint, Type: m.FSType, Source: m.Source, Root: m.Root,
			Options: m.Options, Super: m.VFSOptions, Propagation: m.Optional,
		})
	}
	return err
}
