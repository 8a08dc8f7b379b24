package hardening

// Row 19 for minictr export: it reads the root of a container as root of the host.

import (
	"archive/tar"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestExportLeavesOutMounts: neither what is mounted in a container, nor what a link names,
// is exported: the canary's files are not in the archive, nor its bytes.
func TestExportLeavesOutMounts(t *testing.T) {
	guard(t)
	words := "ln -s " + canary + " /link; ln -s /volume /inside; echo ready; sleep 1000"
	name := alive(t, "box", []string{"-v", canary + ":/volume"}, "sh", "-c", words)
	r := run(command("minictr", "export", name))
	r.want(t, 0)
	var names []string
	for archive := tar.NewReader(strings.NewReader(r.stdout)); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		testkit.Check(t, err)
		names = append(names, h.Name)
		for _, hidden := range []string{"volume/", "link/", "inside/", "proc/", "sys/", "dev/"} {
			if strings.HasPrefix(h.Name, hidden) && h.Name != hidden {
				t.Errorf("exported: %s", h.Name)
			}
		}
	}
	testkit.Equal(t, "the volume is in the archive, empty", slices.Contains(names, "volume/"), true)
}
