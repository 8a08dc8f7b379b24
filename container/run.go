package container

// Run is the whole of `minictr run`: from a name of an image to the exit code
// of a process.
//
//	look up the image            package images
//	make the container's folder  folder.go
//	image and flags to a config  Config
//	config to a process          package runtime
//	wait, hand on signals        here
//	remove what is left          folder.go

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Run runs a process in a new container of the image called name, in the
// store at root, and returns its exit code. watch, if any, is told of every
// system call that made it.
func Run(root, name string, o *Options, watch func(*plan.Plan) walk.Watch) (code int, err error) {
	if err := checkTerminal(o); err != nil {
		return 0, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return 0, err
	}
	if err := Sweep(root); err != nil {
		return 0, err
	}
	store, err := images.Open(root)
	if err != nil {
		return 0, err
	}
	image, folder, err := claim(store, root, name, o)
	if err != nil {
		return 0, err
	}
	discard := func(err error) (int, error) { return 0, errors.Join(err, folder.Discard()) }
	host, err := ThisHost(o)
	if err != nil {
		return discard(err)
	}
	host.ID, host.Folder = folder.ID, folder.Path
	spec, err := Config(o, image.Config, imageFiles{store, image.Layers}, host)
	if err != nil {
		return discard(err)
	}
	if err := folder.writeFiles(o, host, spec); err != nil {
		return discard(err)
	}
	if err := layFloor(store.Layers().Dir()); err != nil {
		return discard(err)
	}
	code, err = folder.run(spec, planOptions(store, image, host, o), o, watch)
	if err != nil {
		return discard(err)
	}
	return code, folder.Close()
}

// claim finds the image and makes a folder that names it, while nobody may
// remove images.
func claim(store *images.Store, root, name string, o *Options) (*images.Image, *Folder, error) {
	release, err := store.Hold()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err == nil {
		defer release()
	}
	image, err := store.Image(name)
	if err != nil {
		return nil, nil, err
	}
	folder, err := NewFolder(root, image, o)
	return image, folder, err
}

// planOptions are the container's layers, by the short names that the store
// has for them, and its own folder on top.
func planOptions(store *images.Store, image *images.Image, host Host, o *Options) plan.Options {
	layers := store.Layers()
	overlay := &plan.Overlay{
		Dir:     layers.Dir(),
		Changes: host.Folder,
		// what is thrown away at the end need not reach the disk
		Volatile: o.Remove,
	}
	for _, diffID := range slices.Backward(layers.Visible(image.Layers)) {
		overlay.Lower = append(overlay.Lower, layers.Short(diffID))
	}
	overlay.Lower = append(overlay.Lower, floorName)
	return plan.Options{Root: overlay, Cgroup2: host.Cgroup2, Arch: host.Arch, OpenFiles: host.OpenFiles}
}

// writeFiles writes what is bound over files in /etc; the container's root
// owns them.
func (f *Folder) writeFiles(o *Options, host Host, spec *specs.Spec) error {
	files, err := HostFiles(o, host)
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := f.write(name, data); err != nil {
			return err
		}
		if err := giveToRoot(f.path(name), spec); err != nil {
			return err
		}
	}
	if o.CIDFile == "" {
		return nil
	}
	return writeCIDFile(host.path(o.CIDFile), f.ID)
}

// giveToRoot makes a file of ours the container's root's, whoever that is here.
func giveToRoot(path string, spec *specs.Spec) error {
	uid, err := plan.HostID(0, spec.Linux.UIDMappings)
	if err != nil {
		return err
	}
	gid, err := plan.HostID(0, spec.Linux.GIDMappings)
	if err != nil || uid == 0 && gid == 0 {
		return err
	}
	return os.Chown(path, int(uid), int(gid))
}

// writeCIDFile never writes over the id of another container.
func writeCIDFile(path, id string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("--cidfile %q: the file exists", path), "remove it, or name another")
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(id)
	return errors.Join(err, file.Close())
}

// run starts the process and sees it to its end.
func (f *Folder) run(spec *specs.Spec, options plan.Options, o *Options, watch func(*plan.Plan) walk.Watch) (code int, err error) {
	uid, err := plan.HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
	if err != nil {
		return 0, err
	}
	streams, err := stdio.Open(o.Interactive, o.TTY, uid)
	if err != nil {
		return 0, err
	}
	defer streams.Close()
	options.Stdio = streams.Made
	setWindow(spec)
	signals := runtime.Signals()
	process, err := runtime.Start(spec, options, streams.Given, watch)
	if err != nil {
		return 0, blame(err, o, spec)
	}
	terminal, err := process.Terminal()
	if err == nil {
		err = streams.Started(terminal, o.Interactive)
	}
	if err != nil {
		return 0, errors.Join(err, process.Signal(unix.SIGKILL), process.Close())
	}
	go process.Forward(signals, terminal)
	code, err = process.Wait()
	streams.Ended()
	return code, errors.Join(err, process.Close())
}

// setWindow makes the container's terminal as large as ours.
func setWindow(spec *specs.Spec) {
	if rows, columns, ok := stdio.Size(); ok && spec.Process.Terminal {
		spec.Process.ConsoleSize = &specs.Box{Height: uint(rows), Width: uint(columns)}
	}
}

// checkTerminal refuses what would look like a terminal and be none.
func checkTerminal(o *Options) error {
	if o.TTY && o.Interactive && !stdio.IsTerminal(os.Stdin) {
		return hint.New(errors.New("--tty --interactive: standard input is not a terminal"), "leave out -t")
	}
	return nil
}

// imageFiles reads the files of an image without mounting it.
type imageFiles struct {
	store  *images.Store
	layers []digest.Digest
}

func (f imageFiles) Open(name string) (fs.File, error) {
	return f.store.Layers().Open(f.layers, name)
}
