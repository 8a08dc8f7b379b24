package lifecycle

import (
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/without"
)

// placeholderID is the ID of a container that is planned, and never created.
const placeholderID = "ID"

// Plan returns the plan that Run would carry out, with stops before the calls of the
// container's process or without. It changes nothing, needs no privileges, and reads no
// more of the image than its config.
func Plan(root, name string, o *config.Options, stops bool) (*plan.Plan, error) {
	o, err := without.Options(o)
	if err != nil {
		return nil, err
	}
	root, store, err := openStore(root)
	if err != nil {
		return nil, err
	}
	image, err := store.Image(name)
	if err != nil {
		return nil, err
	}
	spec, _, host, err := configOn(root, store, image, o, placeholderID)
	if err != nil {
		return nil, err
	}
	options := container.CompileOptions(store.Layers(), image.Layers, host, o.Remove)
	options.Stops = stops
	attach, err := o.Attached()
	if err != nil {
		return nil, err
	}
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	streams, err := stdio.Plan(attach, o.TTY, uid)
	if err != nil {
		return nil, err
	}
	options.Edit = without.Plan(o.Without, copyDir(host.FilesDir))
	options.Stdio, options.Null, options.Before = streams.Connected, streams.Null, streams.Steps
	stdio.SetConsoleSize(spec.Process)
	return compile.Compile(spec, options)
}
