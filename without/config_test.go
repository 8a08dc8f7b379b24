package without

import (
	"testing"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestNothingOfComputerIsBound: whatever flag asks for it, a mount of the computer's files is an
// error; the container's own files and volumes are not.
func TestNothingOfComputerIsBound(t *testing.T) {
	host := config.Host{FilesDir: "/store/containers/ID", VolumeDir: "/store/volumes"}
	for source, text := range map[string]string{
		"/store/containers/ID/hosts": "", "/store/volumes/v/_data": "",
		"/": "of this computer", "/etc": "of this computer", "/store/containers/ID2/hosts": "of this computer",
	} {
		m := specs.Mount{Destination: "/d", Source: source, Options: []string{"rbind", "ro"}}
		err := checkSources([]specs.Mount{{Type: "proc", Source: "proc"}, m}, host)
		if text == "" {
			testkit.Check(t, err)
		} else {
			testkit.WantError(t, source, err, text)
		}
	}
}
