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
)

// Run runs a process in a new container of the image called name, in the
// store at root, and returns its exit code. watch, if any, is told of every
// system call that made it. If the process has run and only something of it
// could not be removed, the error is a [Remains], beside the exit code.
func Run(root, name string, o *Options, watch func(*plan.Plan) walk.Watch) (code int, err error) {
	if err := checkTerminal(o); err != nil {
		return 0, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return 0, err
	}
	store, err := images.Open(root)
	if err != nil {
		return 0, err
	}
	if err := sweep(root, store.Layers().Dir()); err != nil {
		return 0, err
	}
	image, folder, err := claim(store, root, name, o)
	if err != nil {
		return 0, err
	}
	process, err := folder.start(store, image, o, watch)
	if err != nil {
		return 0, errors.Join(err, folder.discard())
	}
	if code, err = process.finish(); err != nil {
		return 0, errors.Join(err, folder.close())
	}
	if err := errors.Join(process.Close(), folder.close()); err != nil {
		return code, &Remains{err}
	}
	return code, nil
}

// Remains tells what could not be removed after a process had run to its end.
type Remains struct{ Err error }

func (r *Remains) Error() string { return "clean up: " + r.Err.Error() }
func (r *Remains) Unwrap() error { return r.Err }

// claim finds the image and makes a folder that names it, while nobody may
// remove images.
func claim(store *images.Store, root, name string, o *Options) (*images.Image, *folder, error) {
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
	folder, err := newFolder(root, store.Layers().Dir(), image, o)
	return image, folder, err
}

// planOptions are the container's layers, by the short names that the store
// has for them, and its own folder on top.
func planOptions(store *images.Store, image *images.Image, host Host, o *Options) plan.Options {
	layers := store.Layers()
	overlay := &plan.Overlay{
		Dir:     layers.Dir(),
		Changes: seenFrom(layers.Dir(), host.Folder),
		// what is thrown away at the end need not reach the disk
		Volatile: o.Remove,
	}
	for _, diffID := range slices.Backward(layers.Visible(image.Layers)) {
		overlay.Lower = append(overlay.Lower, layers.Short(diffID))
	}
	overlay.Lower = append(overlay.Lower, floorName)
	return plan.Options{Root: overlay, Cgroup2: host.Cgroup2, Arch: host.Arch, OpenFiles: host.OpenFiles}
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
func (f *folder) writeFiles(o *Options, host Host, spec *specs.Spec) error {
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
	path, err := host.path(o.CIDFile)
	if err != nil {
		return fmt.Errorf("--cidfile %q: %w", o.CIDFile, err)
	}
	return f.writeCIDFile(path)
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
func (f *folder) writeCIDFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("--cidfile %q: the file exists", path), "remove it, or name another")
	}
	if err != nil {
		return err
	}
	f.cidFile = path
	_, err = file.WriteString(f.id)
	return errors.Join(err, file.Close())
}

// running is a container's process, connected to our streams.
type running struct {
	*runtime.Process
	streams *stdio.Streams
}

// start makes the container, and starts its process.
func (f *folder) start(store *images.Store, image *images.Image, o *Options, watch func(*plan.Plan) walk.Watch) (*running, error) {
	signals := runtime.CatchSignals()
	host, err := ThisHost(o)
	if err != nil {
		return nil, err
	}
	host.ID, host.Folder = f.id, f.dir
	spec, err := Config(o, image.Config, imageFiles{store, image.Layers}, host)
	if err != nil {
		return nil, err
	}
	if err := f.writeFiles(o, host, spec); err != nil {
		return nil, err
	}
	return start(spec, planOptions(store, image, host, o), o, signals, watch)
}

// start starts the process that spec describes.
func start(spec *specs.Spec, options plan.Options, o *Options, signals *runtime.Signals, watch func(*plan.Plan) walk.Watch) (p *running, err error) {
	uid, err := plan.HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
	if err != nil {
		return nil, err
	}
	streams, err := stdio.Open(o.Interactive, o.TTY, uid)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			streams.Close()
		}
	}()
	options.Stdio = streams.Made
	stdio.Fit(spec.Process)
	signals.Ready()
	process, err := runtime.Start(spec, options, streams.Given, watch)
	if err != nil {
		return nil, blame(err, o, spec)
	}
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return nil, err
	}
	return &running{process, streams}, nil
}

// finish waits for the end of the process and of its output.
func (p *running) finish() (code int, err error) {
	defer p.streams.Close()
	code, err = p.Wait()
	if err != nil {
		return 0, errors.Join(err, p.Close())
	}
	p.streams.Ended()
	return code, nil
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
