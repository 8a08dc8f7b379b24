package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

	// What start and delete need of the config, which takes longer to read than all
	// else that they do.
	Hooks   *specs.Hooks `json:"hooks,omitempty"`
	Program bool         `json:"program"` // it has a process to start

	Process // its own; Boot is known before there is one

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
func (f *Dir) Save() error {
	data, err := json.Marshal(&f.Record)
	if err != nil {
		return fmt.Errorf("save the state of %s: %w", f.id, err)
	}
	return f.write("state.json", data)
}

// ExpectCgroup writes down that a cgroup is going to be made, before the record can tell
// of it: it is removed by whoever finds the folder without its author.
func (f *Dir) ExpectCgroup(cgroup string) error {
	return os.WriteFile(f.Path("cgroup"), []byte(f.Record.Boot+"\n"+cgroup), 0o600)
}

// readExpected reads what Expect has written. Where it has not, nothing was made.
func (r *Record) readExpected(path string) error {
	data, err := os.ReadFile(filepath.Join(path, "cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r.Boot, r.Cgroup, _ = strings.Cut(string(data), "\n")
	return err
}

// SetProcess records the container's process, and which cgroup it is in, and saves.
func (f *Dir) SetProcess(pid int) error {
	_, began, err := readStat(pid)
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
func (f *Dir) SaveConfig(data []byte) error { return f.write("config.json", data) }

// Config reads that copy. root.path is absolute.
func (f *Dir) Config() (*specs.Spec, error) {
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
func (f *Dir) write(name string, data []byte) error {
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

func (f *Dir) load() error { return f.Record.read(f.Path("state.json")) }

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

// inode is a file's number in its filesystem.
func inode(path string) (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return s.Ino, nil
}

// Await waits for the end of the container's process, which is on its way there.
func (r *Record) Await() error {
	pidfd, err := r.Pidfd()
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if err := waitExit(pidfd); err != nil {
		return fmt.Errorf("wait for process %d: %w", r.Pid, err)
	}
	return nil
}

// Pidfd holds the container's process. It is the caller's to close. The error
// is ErrNotRunning if the process has ended.
func (r *Record) Pidfd() (int, error) {
	fd, err := r.Process.Pidfd()
	if errors.Is(err, ErrNotRunning) {
		err = fmt.Errorf("%s: %w", r.ID, ErrNotRunning)
	}
	return fd, err
}
