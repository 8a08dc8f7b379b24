package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Record is what is known of a container from the time it was created.
type Record struct {
	OCIVersion  string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Bundle      string            `json:"bundle"` // absolute
	Rootfs      string            `json:"rootfs"` // root.path, absolute
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// The boot of the machine in which it was made.
	Boot string `json:"boot"`

	// What start and delete need of the config, which takes longer to read than all
	// else that they do.
	Hooks   *specs.Hooks `json:"hooks,omitempty"`
	Program bool         `json:"program"` // it has a process to start

	// The number of its process on the host; 0 before it is there. Numbers are
	// used again: the process is the one that began at StartTime, in clock ticks
	// since that boot.
	Pid       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`

	// The folder of its cgroup on the host, "" for none. It is recorded before
	// the cgroup is made, and only if it was not there: who finds this record
	// without its author removes that cgroup with all processes in it. Names are
	// used again, too: once there is a process, the cgroup is the folder with
	// this inode, a number that the kernel gives once.
	Cgroup      string `json:"cgroup"`
	CgroupInode uint64 `json:"cgroupInode"`
}

// Save writes the record: under another name first, so that state.json is
// always whole.
func (f *Folder) Save() error {
	data, err := json.Marshal(&f.Record)
	if err != nil {
		return fmt.Errorf("save the state of %s: %w", f.id, err)
	}
	return f.write("state.json", data)
}

// Expect writes down that a cgroup is going to be made, before there is more to
// tell: it is removed by whoever finds the folder without its author.
func (f *Folder) Expect(cgroup string) error {
	return os.WriteFile(f.Path("cgroup"), []byte(f.Record.Boot+"\n"+cgroup), 0o600)
}

// expected reads what Expect has written. Where it has not, nothing was made.
func (r *Record) expected(path string) error {
	data, err := os.ReadFile(filepath.Join(path, "cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r.Boot, r.Cgroup, _ = strings.Cut(string(data), "\n")
	return err
}

// SetProcess records the container's process, and which cgroup it is in, and saves.
func (f *Folder) SetProcess(pid int) error {
	_, began, err := stat(pid)
	if err != nil {
		return err
	}
	f.Record.Pid, f.Record.StartTime = pid, began
	if f.Record.Cgroup != "" {
		if f.Record.CgroupInode, err = inode(f.Record.Cgroup); err != nil {
			return err
		}
	}
	return f.Save()
}

// SaveConfig keeps a copy of the config.json that the container is created from.
func (f *Folder) SaveConfig(data []byte) error { return f.write("config.json", data) }

// Config reads that copy. root.path is absolute.
func (f *Folder) Config() (*specs.Spec, error) {
	data, err := os.ReadFile(f.Path("config.json"))
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Path("config.json"), err)
	}
	if spec.Root != nil {
		spec.Root.Path = f.Record.Rootfs
	}
	return spec, nil
}

// write replaces a file of the folder in one step. It is not synced: a power cut
// that loses it takes the process along of which it tells.
func (f *Folder) write(name string, data []byte) error {
	file, err := os.OpenFile(f.Path("."+name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(data); err != nil {
		return err
	}
	return os.Rename(file.Name(), f.Path(name))
}

func (f *Folder) load() error { return f.Record.read(f.Path("state.json")) }

func (r *Record) read(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return err
	}
	*r = Record{}
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// stat reads a process's state letter and the time it began, in clock ticks
// since boot: fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)). Field 2, a
// name in parentheses, may itself hold blanks and parentheses.
func stat(pid int) (state byte, began uint64, err error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("read %s: %d fields after the name", path, len(fields))
	}
	began, err = strconv.ParseUint(string(fields[22-3]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", path, err)
	}
	return fields[0][0], began, nil
}

// inode is a file's number in its filesystem.
func inode(path string) (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return s.Ino, nil
}

// bootID tells one boot of the machine from another (random(4)).
func bootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(data)), err
}

// Pidfd holds the container's process. It is the caller's to close. The error
// is ErrNotRunning if the process has ended.
func (r *Record) Pidfd() (int, error) {
	ended := fmt.Errorf("%s: %w", r.ID, ErrNotRunning)
	if r.Pid == 0 {
		return -1, ended
	}
	fd, err := unix.PidfdOpen(r.Pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, ended
	}
	if err != nil {
		return -1, fmt.Errorf("pidfd_open(%d): %w", r.Pid, err)
	}
	alive, err := r.alive() // asked after the number was bound to a process
	if err == nil && alive {
		return fd, nil
	}
	unix.Close(fd)
	if err == nil {
		err = ended
	}
	return -1, err
}
