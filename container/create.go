package container

// To create a container is to decide everything about it, and to write that
// down: its folder, its config, its name. No system call that makes a container
// is among it; those come with each of its lives (life.go).

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Create makes a container of the image called name, in the store at root, and
// returns its id. Nothing of it runs.
func Create(root, name string, o *Options) (id string, err error) {
	made, err := create(root, name, o, nil)
	if err != nil {
		return "", err
	}
	return made.ID, made.unlock()
}

// created is a container that this command has made, and locked.
type created struct {
	*Container
	spec *specs.Spec
	host Host
}

// create makes a container; mark is called before it is one.
func create(root, name string, o *Options, mark func(*Container) error) (*created, error) {
	root, store, err := openStore(root)
	if err != nil {
		return nil, err
	}
	if err := Sweep(root); err != nil {
		return nil, err
	}
	release, err := store.Hold() // nobody may remove the image until the container names it
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		defer release()
	}
	image, err := store.Image(name)
	if err != nil {
		return nil, err
	}
	c, err := newFolder(root, store.Layers().Dir())
	if err != nil {
		return nil, err
	}
	made := &created{Container: c}
	if err := made.decide(store, image, name, o, mark); err != nil {
		return nil, errors.Join(err, c.discard())
	}
	return made, nil
}

// openStore opens the store at root, and tells its whole path.
func openStore(root string) (path string, store *images.Store, err error) {
	if path, err = filepath.Abs(root); err != nil {
		return "", nil, err
	}
	store, err = images.Open(path)
	return path, store, err
}

// configOn makes the config of a container on this machine, with its id and folder.
func configOn(store *images.Store, image *images.Image, o *Options, id, dir string) (spec *specs.Spec, host Host, err error) {
	if host, err = ThisHost(o); err != nil {
		return nil, host, err
	}
	host.ID, host.Folder = id, dir
	spec, err = Config(o, image.Config, imageFiles{store, image.Layers}, host)
	return spec, host, err
}

// decide turns image and flags into a config, and writes down what there is to
// keep. The image comes last: it makes the folder a container.
func (c *created) decide(store *images.Store, image *images.Image, name string, o *Options, mark func(*Container) error) (err error) {
	if c.spec, c.host, err = configOn(store, image, o, c.ID, c.dir); err != nil {
		return err
	}
	if c.Settings, err = newSettings(o, name, image); err != nil {
		return err
	}
	if err := c.save(c.spec); err != nil {
		return err
	}
	if err := c.writeFiles(o, c.host, c.spec); err != nil {
		return err
	}
	if mark != nil {
		if err := mark(c.Container); err != nil {
			return err
		}
	}
	if err := c.claimName(o.Name); err != nil {
		return err
	}
	return c.write("image", []byte(image.Manifest+"\n"))
}

// planOptions are layers, by the short names that the store has for them, and
// the container's own folder on top.
func planOptions(all *layers.Store, diffIDs []digest.Digest, host Host, remove bool) compile.Options {
	overlay := &compile.Overlay{
		Dir:     all.Dir(),
		Changes: seenFrom(all.Dir(), host.Folder),
		// what is thrown away at the end need not reach the disk
		Volatile: remove,
	}
	for _, diffID := range slices.Backward(all.Visible(diffIDs)) {
		overlay.Lower = append(overlay.Lower, all.Short(diffID))
	}
	overlay.Lower = append(overlay.Lower, floorName)
	return compile.Options{Root: overlay, Cgroup2: host.Cgroup2, Count: counting(host.Controllers), Reserved: host.Reserved, Arch: host.Arch, OpenFiles: host.OpenFiles}
}

// counting are the controllers that tell stats what a container uses, though it has
// no limit; time on the CPU is counted without any.
func counting(controllers []string) []string {
	return slices.DeleteFunc(slices.Clone(controllers), func(c string) bool { return c != "memory" && c != "io" })
}

// seenFrom is the short name of folder for who stands in layers: an option of
// fsconfig(2) is too short for any path. Through a link ".." leads elsewhere.
func seenFrom(layers, folder string) string {
	rel, err := filepath.Rel(layers, folder)
	if st, statErr := os.Lstat(layers); err != nil || statErr != nil || st.Mode()&fs.ModeSymlink != 0 {
		return folder
	}
	return rel
}

// writeFiles writes what is bound over files in /etc; the container's root
// owns them.
func (c *Container) writeFiles(o *Options, host Host, spec *specs.Spec) error {
	files, err := HostFiles(o, host)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := c.write(name, data); err != nil {
			return err
		}
		if err := giveToRoot(c.path(name), spec); err != nil {
			return err
		}
	}
	if o.CIDFile == "" {
		return nil
	}
	path, err := host.path(o.CIDFile)
	if err != nil {
		return fmt.Errorf("--cidfile %q: %w", o.CIDFile, err)
	}
	return c.writeCIDFile(path)
}

// giveToRoot makes a file of ours the container's root's, whoever that is here.
func giveToRoot(path string, spec *specs.Spec) error {
	uid, err := compile.HostID(0, spec.Linux.UIDMappings)
	if err != nil {
		return err
	}
	gid, err := compile.HostID(0, spec.Linux.GIDMappings)
	if err != nil || uid == 0 && gid == 0 {
		return err
	}
	return os.Chown(path, int(uid), int(gid))
}

// writeCIDFile never writes over the id of another container.
func (c *Container) writeCIDFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("--cidfile %q: the file exists", path), "remove it, or name another")
	}
	if err != nil {
		return err
	}
	c.cidFile = path
	_, err = file.WriteString(c.ID)
	return errors.Join(err, file.Close())
}

// imageFiles reads the files of an image without mounting it.
type imageFiles struct {
	store  *images.Store
	layers []digest.Digest
}

func (f imageFiles) Open(name string) (fs.File, error) {
	return f.store.Layers().Open(f.layers, name)
}
