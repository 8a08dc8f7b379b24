package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Create makes a container of the image called name, in the store at root, and
// returns its id. Nothing of it runs.
func Create(root, name string, o *config.Options) (id string, err error) {
	made, err := create(root, name, o, nil)
	if err != nil {
		return "", err
	}
	return made.ID, made.Unlock()
}

// created is a container that this command has made, and locked.
type created struct {
	*container.Container
	spec *specs.Spec
	host config.Host
}

// create makes a container; mark is called before it is one.
func create(root, name string, o *config.Options, mark func(*container.Container) error) (*created, error) {
	root, store, err := openStore(root)
	if err != nil {
		return nil, err
	}
	if err := container.Recover(root); err != nil {
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
	c, err := container.NewDir(root, store.Layers().Dir())
	if err != nil {
		return nil, err
	}
	made := &created{Container: c}
	if err := made.commit(store, image, name, o, mark); err != nil {
		return nil, errors.Join(err, discard(c))
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
func configOn(store *images.Store, image *images.Image, o *config.Options, id, dir string) (
	spec *specs.Spec, origin config.Origin, host config.Host, err error,
) {
	if host, err = config.ThisHost(o); err != nil {
		return nil, nil, host, err
	}
	host.ID, host.FilesDir = id, dir
	if host.OpenFiles, err = runtime.OpenFiles(); err != nil {
		return nil, nil, host, err
	}
	spec, origin, err = config.Config(o, image.Config, imageFiles{store, image.Layers}, host)
	return spec, origin, host, err
}

// commit turns image and flags into a config, and writes down what there is to
// keep. The image comes last: it makes the folder a container.
func (c *created) commit(store *images.Store, image *images.Image, name string, o *config.Options, mark func(*container.Container) error) (err error) {
	var origin config.Origin
	if c.spec, origin, c.host, err = configOn(store, image, o, c.ID, c.Dir); err != nil {
		return err
	}
	if c.Settings, err = config.NewSettings(o, name, image); err != nil {
		return err
	}
	c.Settings.Origin = origin
	if err := save(c.Container, c.spec); err != nil {
		return err
	}
	if err := writeFiles(c.Container, o, c.host, c.spec); err != nil {
		return err
	}
	if mark != nil {
		if err := mark(c.Container); err != nil {
			return err
		}
	}
	if err := claimName(c.Container, o.Name); err != nil {
		return err
	}
	return c.WriteFile("image", []byte(image.Manifest+"\n"))
}

// writeFiles writes what is bound over files in /etc; the container's root
// owns them.
func writeFiles(c *container.Container, o *config.Options, host config.Host, spec *specs.Spec) error {
	files, err := config.HostFiles(o, host)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := c.WriteFile(name, data); err != nil {
			return err
		}
		if err := giveToRoot(c.Path(name), spec); err != nil {
			return err
		}
	}
	if o.CIDFile == "" {
		return nil
	}
	path, err := host.Path(o.CIDFile)
	if err != nil {
		return fmt.Errorf("--cidfile %q: %w", o.CIDFile, err)
	}
	return writeCIDFile(c, path)
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
func writeCIDFile(c *container.Container, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("--cidfile %q: the file exists", path), "remove it, or name another")
	}
	if err != nil {
		return err
	}
	c.CIDFile = path
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

// discard removes a container that was never started, and what told of it.
func discard(c *container.Container) error {
	err := c.Remove()
	if c.CIDFile != "" {
		err = errors.Join(err, os.Remove(c.CIDFile))
	}
	return err
}
