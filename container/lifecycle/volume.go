package lifecycle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/events"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
)

// CreateVolume makes a volume in the store at root, and returns its name; with name "" an
// anonymous one. One that exists stays as it is, as in docker.
func CreateVolume(root, name string, labels []string) (string, error) {
	root, store, err := openStore(root)
	if err != nil {
		return "", err
	}
	v := volume.New(name, time.Now().UTC(), name == "")
	if name == "" {
		v.Name = container.NewID()
	}
	for _, word := range labels {
		name, value, _ := strings.Cut(word, "=")
		if name == "" {
			return "", fmt.Errorf("--label %q: no name", word)
		}
		if v.Labels == nil {
			v.Labels = make(map[string]string)
		}
		v.Labels[name] = value
	}
	if err := volume.CheckName(v.Name); err != nil {
		return "", err
	}
	if err := store.Create(); err != nil {
		return "", err
	}
	lock, err := volume.Lock(volume.Dir(root), lockfile.Shared)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	made, err := volume.Make(volume.Dir(root), v)
	if err != nil {
		return "", fmt.Errorf("create volume %q: %w", v.Name, err)
	}
	if made {
		container.VolumeEvent(root, "create", v.Name)
	}
	return v.Name, nil
}

// RemoveVolume removes a volume that no container mounts, running or not. With force it is no
// error if there is none.
func RemoveVolume(root, name string, force bool) error {
	root, err := filepath.Abs(root)
	if err == nil {
		err = removeVolume(root, name)
	}
	if errors.Is(err, volume.ErrNotExist) && force {
		return nil
	}
	if errors.Is(err, volume.ErrNotExist) {
		err = hint.New(err, "minictr volume ls")
	}
	if err != nil {
		return fmt.Errorf("remove volume %q: %w", name, err)
	}
	return nil
}

func removeVolume(root, name string) error {
	dir := volume.Dir(root)
	if err := volume.CheckName(name); err != nil {
		return err
	}
	if _, err := volume.Get(dir, name); errors.Is(err, volume.ErrNotExist) {
		return err
	}
	// what was killed mounts nothing
	if err := container.Recover(root); err != nil {
		return err
	}
	lock, err := volume.Lock(dir, lockfile.Exclusive)
	if err != nil {
		return err
	}
	defer lock.Close()
	users, err := container.VolumeUsers(root)
	if err != nil {
		return err
	}
	if ids := users[name]; len(ids) > 0 {
		return hint.New(fmt.Errorf("volume is in use by container %s", strings.Join(ids, ", ")),
			"minictr rm "+strings.Join(ids, " "))
	}
	return destroyVolume(root, name)
}

// destroyVolume removes a volume that no container mounts. The caller holds the lock of the
// volumes exclusively.
func destroyVolume(root, name string) error {
	if err := volume.Remove(volume.Dir(root), name); err != nil {
		return err
	}
	container.VolumeEvent(root, "destroy", name)
	return nil
}

// PruneVolumes removes the anonymous volumes that no container mounts and that match the filters,
// and with all those with a name, too. It returns their names, and the bytes that they held.
func PruneVolumes(root string, all bool, words []string) (removed []string, freed int64, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, 0, err
	}
	if _, err := os.Lstat(volume.Dir(root)); errors.Is(err, os.ErrNotExist) {
		_, err := inspect.VolumePruneFilters.Parse(words, struct{}{}, "label=tier=web")
		return nil, 0, err
	}
	if err := container.Recover(root); err != nil {
		return nil, 0, err
	}
	lock, err := volume.Lock(volume.Dir(root), lockfile.Exclusive)
	if err != nil {
		return nil, 0, err
	}
	defer lock.Close()
	list, err := inspect.Volumes(root, words, inspect.VolumePruneFilters)
	stuck := []error{err}
	for _, v := range list {
		if len(v.Users) > 0 || !v.Anonymous && !all {
			continue
		}
		size, err := inspect.VolumeSize(&v)
		if err == nil {
			err = destroyVolume(root, v.Name)
		}
		if err != nil {
			stuck = append(stuck, fmt.Errorf("remove volume %q: %w", v.Name, err))
			continue
		}
		removed, freed = append(removed, v.Name), freed+size
	}
	attributes := map[string]string{"reclaimed": strconv.FormatInt(freed, 10)}
	events.Append(root, events.Volume, "prune", events.Actor{Attributes: attributes})
	return removed, freed, errors.Join(stuck...)
}
