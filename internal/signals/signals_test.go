package signals

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for word, want := range map[string]unix.Signal{
		"TERM": 15, "SIGTERM": 15, "term": 15, "sigTerm": 15, "15": 15, "1": 1, "64": 64, "32": 32,
		"POLL": 29, "IO": 29, "CLD": 17, "CHLD": 17, "IOT": 6, "ABRT": 6, "STKFLT": 16, "SYS": 31, "PWR": 30,
		"RTMIN": 34, "SIGRTMIN": 34, "rtmin": 34, "RTMIN+0": 34, "sigrtmin+3": 37, "RTMIN+15": 49, "RTMIN+30": 64,
		"RTMAX": 64, "SIGRTMAX": 64, "RTMAX-0": 64, "RTMAX-1": 63, "SIGRTMAX-14": 50, "RTMAX-30": 34,
	} {
		if got, ok := Parse(word); !ok || got != want {
			t.Errorf("%q: %d, %v; want %d", word, got, ok, want)
		}
	}
	for _, word := range []string{
		"", "0", "-1", "65", "15x", "NOSUCH", "SIG", "SIGSIGTERM", " TERM", "RTMIN+31", "RTMAX-31", "RTMIN-1",
		"RTMAX+1", "RTMIN+", "RTMIN+-1", "RTMIN++1", "RTMIN+ 1", "RTMIN+x", "18446744073709551630",
	} {
		if got, ok := Parse(word); ok {
			t.Errorf("%q: %d", word, got)
		}
	}
}

// TestNameIsParsed: each signal has a name that Parse knows.
func TestNameIsParsed(t *testing.T) {
	for sig := unix.Signal(1); sig <= rtMax; sig++ {
		if got, ok := Parse(Name(sig)); !ok || got != sig {
			t.Errorf("%d: %s is %d, %v", sig, Name(sig), got, ok)
		}
	}
}

// TestNamesOfShell: bash(1) knows the names as well, and no others.
func TestNamesOfShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for sig := unix.Signal(1); sig <= rtMax; sig++ {
		out, err := exec.Command(bash, "-c", "kill -l "+strconv.Itoa(int(sig))).Output()
		name := strings.TrimSpace(string(out))
		if got, ok := Parse(name); err == nil && name != "" && (!ok || got != sig) {
			t.Errorf("%s: %d, %v; want %d", name, got, ok, sig)
		}
	}
}
