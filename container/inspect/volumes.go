package inspect

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/filter"
)

// Volume is a volume in a list.
type Volume struct {
	volume.Volume
	Mountpoint string   // the path of its files
	Users      []string // IDs of the containers that mount it, running or not
}

// volumeTest reports whether a filter matches a volume.
type volumeTest = filter.Test[*Volume]

// volumeTable lists the names of filters, and the function that parses the value of each.
type volumeTable = filter.Table[struct{}, *Volume]

// VolumeFilters are the filters of volume ls.
var VolumeFilters = volumeTable{
	{"dangling", isUnused}, {"driver", hasDriver}, {"label", hasLabel}, {"label!", hasNoLabel}, {"name", isNamed},
}

// VolumePruneFilters are the filters of volume prune.
var VolumePruneFilters = volumeTable{{"label", hasLabel}, {"label!", hasNoLabel}}

// Volumes returns the volumes in the store at root that match the filters, by name. One that cannot
// be read is an error beside the others.
func Volumes(root string, words []string, known volumeTable) (list []Volume, err error) {
	f, err := known.Parse(words, struct{}{}, "label=tier=web")
	if err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	users, err := container.VolumeUsers(root)
	if err != nil {
		return nil, err
	}
	dir := volume.Dir(root)
	all, unread := volume.List(dir)
	for _, v := range all {
		one := Volume{v, volume.DataPath(dir, v.Name), users[v.Name]}
		if f.Match(&one) {
			list = append(list, one)
		}
	}
	return list, unread
}

// VolumeSize returns the bytes in the files of a volume.
func VolumeSize(v *Volume) (int64, error) { return rootfs.BytesIn(v.Mountpoint) }

func isUnused(_ struct{}, value string) (volumeTest, error) {
	want, err := strconv.ParseBool(value)
	if err != nil {
		err = oneOf(value, "true", "false")
	}
	return func(v *Volume) bool { return (len(v.Users) == 0) == want }, err
}

func hasDriver(_ struct{}, value string) (volumeTest, error) {
	return func(*Volume) bool { return value == "local" }, nil
}

func hasLabel(_ struct{}, value string) (volumeTest, error) {
	return filter.Label(func(v *Volume) map[string]string { return v.Labels }, value), nil
}

func hasNoLabel(_ struct{}, value string) (volumeTest, error) {
	has, err := hasLabel(struct{}{}, value)
	return func(v *Volume) bool { return !has(v) }, err
}

// isNamed matches a regular expression.
func isNamed(_ struct{}, value string) (volumeTest, error) {
	pattern, err := regexp.Compile(value)
	return func(v *Volume) bool { return pattern.MatchString(v.Name) }, err
}

// VolumeUsage is the disk usage of volumes, in bytes.
type VolumeUsage struct {
	Volumes     []Volume
	Sizes       []int64 // of each
	Size        int64
	Reclaimable int64 // of those that no container mounts
	Active      int   // those that a container mounts
}

// VolumeDiskUsage returns the disk usage of the volumes in the store at root. One that cannot be
// read is in the error.
func VolumeDiskUsage(root string) (*VolumeUsage, error) {
	list, err := Volumes(root, nil, VolumeFilters)
	u := &VolumeUsage{Volumes: list}
	for i := range list {
		size, sizeErr := VolumeSize(&list[i])
		if sizeErr != nil {
			err = errors.Join(err, fmt.Errorf("volume %q: %w", list[i].Name, sizeErr))
		}
		u.Sizes, u.Size = append(u.Sizes, size), u.Size+size
		if len(list[i].Users) > 0 {
			u.Active++
		} else {
			u.Reclaimable += size
		}
	}
	return u, err
}

// FindVolume returns a volume in the store at root. It does not look up who mounts it.
func FindVolume(root, name string) (*Volume, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir := volume.Dir(root)
	v, err := volume.Get(dir, name)
	if errors.Is(err, volume.ErrNotExist) {
		err = hint.New(err, "minictr volume ls")
	}
	if err != nil {
		return nil, err
	}
	return &Volume{Volume: *v, Mountpoint: volume.DataPath(dir, name)}, nil
}
