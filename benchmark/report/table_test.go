package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
)

// The terminal tells all that the page tells: at each table what KVM would
// change, where its figures come from, what others have measured, and what is
// missing.
func TestText(t *testing.T) {
	r := example()
	var b strings.Builder
	if err := report.Text(&b, r); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range [...]string{
		"left out: podman run -d: podman is not installed\n",
		"failed: vagrant up: 2 times, and not counted: the machine ended before it was at \"services\" Kernel panic\n",
		"Firecracker  125 ms", "https://doi.org/10.1145/3132747.3132763\n",
		"\nFrom report.json: starts with cold = true and explained = false.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not told", want)
		}
	}
	tables := strings.Count(text, "\nFrom report.json: ")
	if n := strings.Count(text, "\nThe machines are emulated. With KVM "); n != tables || n < 6 {
		t.Errorf("%d of %d tables tell what KVM would change", n, tables)
	}
	for i := range r.Targets {
		r.Targets[i].Emulated = false
	}
	r.Sizes = slices.DeleteFunc(r.Sizes, func(s benchmark.Size) bool { return s.N > 1 })
	b.Reset()
	if err := report.Text(&b, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "1.04 MiB\n") || strings.Contains(b.String(), "NaN") {
		t.Errorf("with one machine on a box of 104 MiB, this is not what one more takes:\n%s", b.String())
	}
	if strings.Contains(b.String(), "emulated") {
		t.Error("machines with KVM are told to be emulated")
	}
}
