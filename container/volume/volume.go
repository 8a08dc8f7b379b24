package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Volume is the record of a volume.
type Volume struct {
	Name      string `json:"-"`
	Created   time.Time
	Labels    map[string]string
	Anonymous bool // minictr named it; it can be removed together with its container
	Used      bool // a container has mounted it: no image fills it any more
	Shared    bool // a second container has mounted it
}

// ErrNotExist is the error for a name without a volume.
var ErrNotExist = errors.New("no such volume")

// AnonymousLabel is the label that docker gives anonymous volumes.
const AnonymousLabel = "com.docker.volume.anonymous"

const (
	dataName   = "_data"
	recordName = "volume.json"
	newName    = ".new"
)

// Dir returns the directory of the volumes in the store at root.
func Dir(root string) string { return filepath.Join(root, "volumes") }

// DataPath returns the path of the files of a volume in dir.
func DataPath(dir, name string) string { return filepath.Join(dir, name, dataName) }

// Split returns the volume in dir that a path leads into, and the path inside it. It is the
// inverse of DataPath; ok is false for any other path.
func Split(dir, path string) (name, subpath string, ok bool) {
	below, ok := strings.CutPrefix(path, dir+"/")
	if !ok {
		return "", "", false
	}
	name, below, _ = strings.Cut(below, "/")
	data, subpath, _ := strings.Cut(below, "/")
	return name, subpath, data == dataName && CheckName(name) == nil
}

// CheckName refuses what docker does not take as the name of a volume.
func CheckName(name string) error {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	switch {
	case len(name) == 1:
		return hint.New(fmt.Errorf("volume name %q: too short", name), "use two characters or more")
	case len(name) > unix.NAME_MAX:
		return fmt.Errorf("volume name of %d bytes: longer than %d", len(name), unix.NAME_MAX)
	case name == "" || !strings.Contains(letters, name[:1]) || strings.Trim(name, letters+"_.-") != "":
		return hint.New(fmt.Errorf("volume name %q: not a name", name),
			"use letters, digits, '_', '.' and '-', a letter or a digit first; a directory begins with / or ./")
	}
	return nil
}

// Get returns the record of a volume in dir.
func Get(dir, name string) (*Volume, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	if err := checkMark(path); err != nil {
		return nil, err
	}
	return read(path, name)
}

// checkMark returns an error unless a directory, and not a link to one, is a volume.
func checkMark(path string) error {
	err := owned.CheckDir(path)
	if err == nil {
		marked, markErr := owned.IsMarked(path, owned.Volume)
		if err = markErr; err == nil && !marked {
			err = hint.New(fmt.Errorf("%s: not made by minictr", path), "move it elsewhere")
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotExist
	}
	return err
}

// read reads the record of a marked volume at path.
func read(path, name string) (*Volume, error) {
	data, err := os.ReadFile(filepath.Join(path, recordName))
	if err != nil {
		if _, gone := os.Lstat(path); errors.Is(gone, fs.ErrNotExist) {
			err = ErrNotExist // removed meanwhile
		}
		return nil, err
	}
	v := &Volume{}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, hint.New(fmt.Errorf("read %s: %w", filepath.Join(path, recordName), err),
			"copy its files, and remove it with: minictr volume rm "+name)
	}
	v.Name = name
	return v, nil
}

// write replaces the record of the volume at path.
func (v *Volume) write(path string) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(path, recordName), data, 0o600, !v.Anonymous)
}

// List returns the volumes in dir by name. One that cannot be read is an error beside the
// others; what has no mark of minictr is left out.
func List(dir string) (all []Volume, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var failed []error
	for _, e := range entries {
		if CheckName(e.Name()) != nil || checkMark(filepath.Join(dir, e.Name())) != nil {
			continue
		}
		v, err := Get(dir, e.Name())
		switch {
		case err == nil:
			all = append(all, *v)
		case !errors.Is(err, ErrNotExist):
			failed = append(failed, fmt.Errorf("volume %q: %w", e.Name(), err))
		}
	}
	slices.SortFunc(all, func(a, b Volume) int { return strings.Compare(a.Name, b.Name) })
	return all, errors.Join(failed...)
}

// Lock locks the volumes in dir, which it makes: shared for the creator of a container,
// exclusively for who removes volumes. It waits for other commands.
func Lock(dir string, how lockfile.Mode) (*os.File, error) {
	for _, d := range []string{dir, filepath.Join(dir, newName)} {
		if err := os.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return lockfile.Lock(context.Background(), dir, how)
}

// OpenIn opens a directory or file in a volume, as an O_PATH descriptor. Symbolic links,
// which containers may have made, lead to paths inside the volume (openat2(2)).
func OpenIn(dir, name, subpath string) (*os.File, error) {
	data, err := os.Open(DataPath(dir, name))
	if err != nil {
		return nil, err
	}
	defer data.Close()
	for {
		fd, err := unix.Openat2(int(data.Fd()), subpath, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), subpath), nil
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
			return nil, fmt.Errorf("open %q in volume %q: %w", subpath, name, err)
		}
	}
}
