package lifecycle

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/compile"
)

// volumesFrom returns what the containers of --volumes-from mount: volumes, files and
// directories of the host. Kernel filesystems, a tmpfs and files of the container's own are not
// among them.
func volumesFrom(root string, o *config.Options) (map[string]config.Container, error) {
	if len(o.VolumesFrom) == 0 {
		return nil, nil
	}
	all := make(map[string]config.Container)
	for _, word := range o.VolumesFrom {
		name, _, err := config.SplitVolumesFrom(word)
		if err != nil {
			return nil, err
		}
		c, err := container.Find(root, name)
		if err != nil {
			return nil, fmt.Errorf("--volumes-from %q: %w", word, err)
		}
		spec, err := c.Spec()
		if err != nil {
			return nil, fmt.Errorf("--volumes-from %q: %w", word, err)
		}
		from := config.Container{Volumes: c.Settings.Volumes}
		for _, m := range spec.Mounts {
			own := filepath.Dir(m.Source) == c.Dir || m.Destination == config.InitPath ||
				strings.HasPrefix(m.Source, compile.RootSource)
			if compile.Binds(m) && !own && !config.IsKernelPath(m.Destination) {
				from.Mounts = append(from.Mounts, m)
			}
		}
		all[name] = from
	}
	return all, nil
}
