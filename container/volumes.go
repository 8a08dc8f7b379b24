package container

// Which container mounts which volume is in the settings of containers alone: a volume is in use
// as long as a container names it, running or not.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/events"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// keepVolumesFile exists once a container is being removed without its anonymous volumes.
const keepVolumesFile = "keepvolumes"

// VolumeEvent writes an event of a volume, in docker's words, to the journal of the store at root.
func VolumeEvent(root, action, name string) {
	events.Append(root, events.Volume, action, events.Actor{ID: name, Attributes: map[string]string{"driver": "local"}})
}

// removeFiles removes the directory of a container whose volumes are removed, or are to stay: first
// the settings, which name them, then the mark that they stay.
func removeFiles(dir string) error {
	err := os.Remove(filepath.Join(dir, "settings.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return owned.RemoveAll(dir)
}

// removeVolumes removes the anonymous volumes of a container that no longer is one, in the store
// at root. A volume that another container mounts, too, stays. Without wait, the error is
// EWOULDBLOCK while another command makes volumes.
func removeVolumes(root string, volumes []config.Volume, wait bool) error {
	dir := volume.Dir(root)
	volumes = slices.DeleteFunc(slices.Clone(volumes), func(v config.Volume) bool {
		have, err := volume.Get(dir, v.Name)
		return !v.Anonymous || err != nil || !have.Anonymous
	})
	if len(volumes) == 0 {
		return nil
	}
	lock, err := lockVolumes(dir, wait)
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, v := range volumes {
		if err := removeVolume(root, dir, v.Name); err != nil && !errors.Is(err, volume.ErrNotExist) {
			return fmt.Errorf("remove volume %q: %w", v.Name, err)
		}
	}
	return nil
}

func lockVolumes(dir string, wait bool) (*os.File, error) {
	if wait {
		return volume.Lock(dir, lockfile.Exclusive)
	}
	return lockfile.Try(dir, lockfile.Exclusive)
}

// removeVolume removes an anonymous volume. Only one that a second container has mounted is looked
// up among the containers.
func removeVolume(root, dir, name string) error {
	v, err := volume.Get(dir, name)
	if err != nil {
		return err
	}
	if v.Shared {
		users, err := VolumeUsers(root)
		if err != nil || len(users[name]) > 0 {
			return err
		}
	}
	if err := volume.Remove(dir, name); err != nil {
		return err
	}
	VolumeEvent(root, "destroy", name)
	return nil
}

// VolumeUsers returns the IDs of the containers that mount a volume, by the volume's name. A
// container that cannot be read is an error: what it mounts is not known.
func VolumeUsers(root string) (map[string][]string, error) {
	containers := filepath.Join(root, "containers")
	entries, err := os.ReadDir(containers)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	users := make(map[string][]string)
	for _, e := range entries {
		dir := filepath.Join(containers, e.Name())
		if _, err := os.Lstat(filepath.Join(dir, "image")); err != nil || !IsID(e.Name()) {
			continue
		}
		volumes, err := readVolumes(dir)
		if err != nil {
			return nil, hint.New(err, "remove the container with: minictr rm -f "+e.Name())
		}
		for _, v := range volumes {
			if !slices.Contains(users[v.Name], e.Name()) {
				users[v.Name] = append(users[v.Name], e.Name())
			}
		}
	}
	return users, nil
}

// readVolumes reads the volumes of the container in dir, and nothing else of its settings.
func readVolumes(dir string) ([]config.Volume, error) {
	path := filepath.Join(dir, "settings.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Lstat(filepath.Join(dir, "image")); gone != nil { // it is being removed
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	var settings struct{ Volumes []config.Volume }
	if err := json.Unmarshal(data, &settings); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return settings.Volumes, nil
}

// OpenSubpaths returns the config with the paths in volumes that are mounted, opened now: the
// symbolic links in them, which containers may have made, do not lead out of the volume. The
// caller closes the files when the mounts are made.
func OpenSubpaths(root string, volumes []config.Volume, spec *specs.Spec) (
	opened *specs.Spec, closeAll func(), err error,
) {
	var files []*os.File
	closeAll = func() {
		for _, f := range files {
			f.Close()
		}
	}
	opened = spec
	for _, v := range volumes {
		if v.Subpath == "" {
			continue
		}
		f, err := volume.OpenIn(volume.Dir(root), v.Name, v.Subpath)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		files = append(files, f)
		if opened == spec {
			copied := *spec
			copied.Mounts = slices.Clone(spec.Mounts)
			opened = &copied
		}
		for i := range opened.Mounts {
			if opened.Mounts[i].Destination == v.Destination {
				opened.Mounts[i].Source = fmt.Sprint(compile.DescriptorSource, f.Fd())
			}
		}
	}
	return opened, closeAll, nil
}
