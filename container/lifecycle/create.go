package lifecycle

// Creating a container decides everything about it, and saves that: a directory, settings
// and config, the files of /etc, a name, its volumes. It makes no namespace, no process, and no
// mount that stays: each task of the container makes its own (container/task.go).

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/without"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Create creates a container of the image called name, in the store at root, and
// returns its ID. It starts no process.
func Create(root, name string, o *config.Options) (id string, err error) {
	c, err := create(root, name, o, false)
	if err != nil {
		return "", err
	}
	return c.ID, c.Unlock()
}

// created is a container that this command created and locked.
type created struct {
	*container.Container
	spec    *specs.Spec
	host    config.Host
	cidFile string // path of the file of --cidfile that was written, "" for none
}

// create creates a container. If this command runs it in the foreground and is killed,
// recovery removes one of --rm.
func create(root, name string, o *config.Options, foreground bool) (*created, error) {
	o, err := without.Options(o)
	if err != nil {
		return nil, err
	}
	root, store, err := openStore(root)
	if err != nil {
		return nil, err
	}
	if err := container.Recover(root); err != nil {
		return nil, err
	}
	// keep other commands from removing the image until the container names it
	release, err := store.Hold()
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
	dir, err := container.NewDir(root, store.Layers().Dir())
	if err != nil {
		return nil, err
	}
	c := &created{Container: dir}
	if err := c.commit(store, image, name, o, foreground); err != nil {
		return nil, errors.Join(err, c.discard())
	}
	return c, nil
}

// openStore opens the store at root, and returns its absolute path.
func openStore(root string) (path string, store *images.Store, err error) {
	if path, err = filepath.Abs(root); err != nil {
		return "", nil, err
	}
	store, err = images.Open(path)
	return path, store, err
}

// configOn makes the config of a container on this host, with its ID, in the store at root.
func configOn(root string, store *images.Store, image *images.Image, o *config.Options, id string) (
	spec *specs.Spec, origin config.Origin, host config.Host, err error,
) {
	if host, err = config.ThisHost(o); err != nil {
		return nil, nil, host, err
	}
	host.ID, host.FilesDir, host.VolumeDir = id, filepath.Join(root, "containers", id), volume.Dir(root)
	if host.VolumesFrom, err = volumesFrom(root, o); err != nil {
		return nil, nil, host, err
	}
	if host.OpenFiles, err = runtime.OpenFiles(); err != nil {
		return nil, nil, host, err
	}
	spec, origin, err = config.Config(o, image.Config, imageFiles{store, image.Layers}, host)
	if err == nil {
		err = without.Config(spec, origin, host, o.Without)
	}
	return spec, origin, host, err
}

// commit makes the config of image and options, and writes the container's files. The
// file image is the last one: it makes the directory a container.
func (c *created) commit(
	store *images.Store, image *images.Image, name string, o *config.Options, foreground bool,
) (err error) {
	// make settings and config
	var origin config.Origin
	if c.spec, origin, c.host, err = configOn(c.StoreRoot, store, image, o, c.ID); err != nil {
		return err
	}
	if c.Settings, err = config.NewSettings(o, name, image, c.spec, c.host); err != nil {
		return err
	}
	c.Settings.Origin = origin
	if err := claimName(c.Container, o.Name); err != nil {
		return err
	}
	c.Settings.Name = c.Name
	// write them; then the volumes that they name
	if err := save(c.Container, c.spec); err != nil {
		return err
	}
	volumes, err := container.MakeVolumes(c.Container, c.spec)
	if err != nil {
		return err
	}
	defer volumes.Close()
	if err := c.writeEtcFiles(o); err != nil {
		return err
	}
	if o.CIDFile != "" {
		if err := c.writeCIDFile(o.CIDFile); err != nil {
			return err
		}
	}
	// make it a container
	if foreground {
		if err := c.MarkRemove(); err != nil {
			return err
		}
	}
	if err := c.WriteFile("image", []byte(image.Manifest+"\n")); err != nil {
		return err
	}
	c.Event("create")
	return nil
}

// writeEtcFiles writes the files that are mounted over those of /etc. They belong to the
// container's root.
func (c *created) writeEtcFiles(o *config.Options) error {
	files, err := config.HostFiles(o, c.host)
	if err != nil {
		return err
	}
	// find the container's root on the host
	uid, err := compile.HostID(0, c.spec.Linux.UIDMappings)
	if err != nil {
		return err
	}
	gid, err := compile.HostID(0, c.spec.Linux.GIDMappings)
	if err != nil {
		return err
	}
	// write the files, and give them to it
	for name, data := range files {
		if err := c.WriteFile(name, data); err != nil {
			return err
		}
		if uid == 0 && gid == 0 {
			continue
		}
		if err := os.Chown(c.Path(name), int(uid), int(gid)); err != nil {
			return err
		}
	}
	return nil
}

// writeCIDFile writes the container's ID to a new file.
func (c *created) writeCIDFile(name string) error {
	path, err := c.host.Path(name)
	if err != nil {
		return fmt.Errorf("--cidfile %q: %w", name, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("--cidfile %q: file exists", path), "remove it, or choose another path")
	}
	if err != nil {
		return err
	}
	c.cidFile = path
	_, err = file.WriteString(c.ID)
	return errors.Join(err, file.Close())
}

// discard removes a container that was never started, and its file of --cidfile.
func (c *created) discard() error {
	err := c.Remove(true)
	if c.cidFile != "" {
		err = errors.Join(err, os.Remove(c.cidFile))
	}
	return err
}

// imageFiles reads files of an image that is not mounted.
type imageFiles struct {
	store  *images.Store
	layers []digest.Digest
}

// Open opens a file of the image's root filesystem (io/fs.FS).
func (f imageFiles) Open(name string) (fs.File, error) {
	return f.store.Layers().Open(f.layers, name)
}
