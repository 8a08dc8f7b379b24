package call

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// TestPlainTermios: they differ from those of a new terminal in ONLCR alone.
func TestPlainTermios(t *testing.T) {
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer ptmx.Close()
	got, err := unix.IoctlGetTermios(int(ptmx.Fd()), unix.TCGETS)
	testkit.Check(t, err)
	got.Oflag &^= unix.ONLCR
	want := plainTermios
	want.Ispeed, want.Ospeed = got.Ispeed, got.Ospeed // TCSETS takes them from c_cflag
	testkit.Equal(t, "termios", *got, want)
}
