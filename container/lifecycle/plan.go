package lifecycle

import (
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
)

// placeholderID is the id of a container that is only planned.
const placeholderID = "ID"

// Plan writes down what Run would do. It makes nothing, and needs no more than
// to read the image's config.
func Plan(root, name string, o *config.Options) (*plan.Plan, error) {
	root, store, err := openStore(root)
	if err != nil {
		return nil, err
	}
	image, err := store.Image(name)
	if err != nil {
		return nil, err
	}
	spec, _, host, err := configOn(store, image, o, placeholderID, filepath.Join(root, "containers", placeholderID))
	if err != nil {
		return nil, err
	}
	options := container.CompileOptions(store.Layers(), image.Layers, host, o.Remove)
	options.Null[0] = !o.Interactive // standard input is empty
	stdio.SetConsoleSize(spec.Process)
	return compile.Compile(spec, options)
}
