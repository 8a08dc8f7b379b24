package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Record describes a container: state.json.
type Record struct {
	OCIVersion  string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Bundle      string            `json:"bundle"` // absolute
	Rootfs      string            `json:"rootfs"` // root.path, absolute
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// The part of the config that start and delete need, since to read config.json
	// takes longer than all else that they do.
	Hooks   *specs.Hooks `json:"hooks,omitempty"`
	Program bool         `json:"program"` // process is set in the config

	// The mappings of a user namespace that the container has joined, where the config has
	// none.
	UIDMappings []specs.LinuxIDMapping `json:"uidMappings,omitempty"`
	GIDMappings []specs.LinuxIDMapping `json:"gidMappings,omitempty"`

	Process // the container's; Boot is set before there is one

	// The path of the container's cgroup on the host, "" for none. It is recorded
	// before the cgroup is made, and only if it did not exist: recovery removes it
	// with all processes in it. Since names are used again, the cgroup is the
	// directory with this inode once there is a process; the kernel gives that
	// number once.
	Cgroup      string `json:"cgroup"`
	CgroupInode uint64 `json:"cgroupInode"`

	// CgroupExisted is true if another program has made the cgroup: it stays when the
	// container is deleted.
	CgroupExisted bool `json:"cgroupExisted,omitempty"`
}

// Save writes the record in one step: state.json is never a part of it.
func (d *Dir) Save() error {
	data, err := json.Marshal(&d.Record)
	if err != nil {
		return fmt.Errorf("save state of %s: %w", d.id, err)
	}
	return d.write("state.json", data)
}

// ExpectCgroup records the path of a cgroup that the caller is about to make, before
// the record is saved: if the caller is killed, recovery removes that cgroup.
func (d *Dir) ExpectCgroup(cgroup string) error {
	return os.WriteFile(d.Path("cgroup"), []byte(d.Record.Boot+"\n"+cgroup), 0o600)
}

// readExpected reads what ExpectCgroup has written, if anything, and when.
func (r *Record) readExpected(dir string) error {
	file, err := os.Open(filepath.Join(dir, "cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	r.Boot, r.Cgroup, _ = strings.Cut(string(data), "\n")
	info, err := file.Stat()
	if err == nil && r.Created.IsZero() {
		r.Created = info.ModTime().UTC()
	}
	return err
}

// SetProcess records the container's process and the inode of its cgroup, and saves
// the record.
func (d *Dir) SetProcess(pid int) error {
	_, began, err := readStat(pid)
	if err != nil {
		return err
	}
	d.Record.Pid, d.Record.StartTime = pid, began
	if d.Record.Cgroup != "" {
		if d.Record.CgroupInode, err = inode(d.Record.Cgroup); err != nil {
			return err
		}
	}
	return d.Save()
}

// SaveConfig saves the config that the container is created from.
func (d *Dir) SaveConfig(data []byte) error { return d.write("config.json", data) }

// Config returns the config that SaveConfig saved, with an absolute root.path, and with the
// mappings of the user namespace that the container has joined.
func (d *Dir) Config() (*specs.Spec, error) {
	data, err := os.ReadFile(d.Path("config.json"))
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Path("config.json"), err)
	}
	if spec.Root != nil {
		spec.Root.Path = d.Record.Rootfs
	}
	if len(d.Record.UIDMappings) > 0 {
		spec.Linux.UIDMappings, spec.Linux.GIDMappings = d.Record.UIDMappings, d.Record.GIDMappings
	}
	return spec, nil
}

// write replaces a file of the directory in one step. It is not synced: a power cut
// that loses it ends the process that it describes, too.
func (d *Dir) write(name string, data []byte) error {
	return atomicfile.Write(d.Path(name), data, 0o600, false)
}

// load reads the record. In a directory that minictr has not made the error is
// fs.ErrNotExist: its record, if it has one, is that of another runtime or a copy. An empty
// or corrupt one is taken for minictr's if the root has the mark of package owned.
func (d *Dir) load() error {
	err := d.Record.read(d.Path(""))
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	isOwn := d.Record.ID == d.id && d.Record.Boot != "" || d.Record.ID == "" && d.marked
	if !isOwn {
		return fmt.Errorf("%s: not made by minictr: %w", d.Path(""), fs.ErrNotExist)
	}
	return err
}

// read reads the record in a directory. If that names no cgroup, because it is not complete
// or corrupt, read adds what ExpectCgroup has written.
func (r *Record) read(dir string) error {
	*r = Record{}
	path := filepath.Join(dir, "state.json")
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case err == nil && len(data) > 0:
		err = json.Unmarshal(data, r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		*r = Record{}
		err = fmt.Errorf("read %s: %w: %w", path, ErrCorrupt, err)
	}
	if r.Cgroup == "" {
		err = errors.Join(err, r.readExpected(dir))
	}
	return err
}

// inode returns the inode number of a file.
func inode(path string) (uint64, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return s.Ino, nil
}

// Await waits up to 10 seconds for the container's process, which is exiting.
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

// Pidfd is Process.Pidfd with an error that names the container.
func (r *Record) Pidfd() (int, error) {
	fd, err := r.Process.Pidfd()
	if errors.Is(err, ErrNotRunning) {
		err = fmt.Errorf("%s: %w", r.ID, ErrNotRunning)
	}
	return fd, err
}
