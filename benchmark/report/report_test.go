package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
	"github.com/minictr/minictr/internal/testkit"
)

// sample is the report in the repository, measured with scripts/bench.
func sample(t *testing.T) *benchmark.Report {
	t.Helper()
	data, err := os.ReadFile("../sample/report.json")
	testkit.Check(t, err)
	r := new(benchmark.Report)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		t.Fatalf("../sample/report.json: %v", err)
	}
	return r
}

// failures is the sample with a target left out, and starts that failed.
func failures(t *testing.T) *benchmark.Report {
	t.Helper()
	r := sample(t)
	missing := benchmark.Facts{Name: "lxc-start", Kind: benchmark.Container, LeftOut: "lxc-start is not installed"}
	r.Targets = append(r.Targets, missing)
	for range 2 {
		failure := benchmark.Failure{What: "vagrant up", Reason: "the machine ended early\nKernel panic"}
		r.Failed = append(r.Failed, failure)
	}
	return r
}

func page(t *testing.T, r *benchmark.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	testkit.Check(t, report.HTML(&b, r))
	return b.Bytes()
}

func text(t *testing.T, r *benchmark.Report) string {
	t.Helper()
	var b strings.Builder
	testkit.Check(t, report.Text(&b, r))
	return b.String()
}

func TestSampleIsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../sample/report.html")
	testkit.Check(t, err)
	if !bytes.Equal(page(t, sample(t)), want) {
		t.Error("benchmark/sample/report.html differs from its report.json; write it again:\n" +
			"\tgo run ./benchmark/bench -again benchmark/sample/report.json -out benchmark/sample")
	}
}

// The terminal shows what the page shows: at each table what KVM would change
// and the source, then published figures and what is missing.
func TestText(t *testing.T) {
	r := failures(t)
	tables := text(t, r)
	for _, want := range [...]string{
		"left out: lxc-start: lxc-start is not installed\n",
		"failed: vagrant up: 2 times, and not counted: the machine ended early Kernel panic\n",
		"Firecracker  125 ms", "https://doi.org/10.1145/3132747.3132763\n",
		"\nFrom report.json: starts with cold = true and explained = false.\n",
	} {
		if !strings.Contains(tables, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	n := strings.Count(tables, "\nFrom report.json: ")
	if notes := strings.Count(tables, "\nThe machines are emulated. With KVM "); notes != n || n < 6 {
		t.Errorf("%d of %d tables say what KVM would change", notes, n)
	}

	// machines with KVM, of which no two ran at the same time
	for i := range r.Targets {
		r.Targets[i].Emulated = false
	}
	r.Sizes = slices.DeleteFunc(r.Sizes, func(s benchmark.Size) bool { return s.N > 1 })
	tables = text(t, r)
	if !strings.Contains(tables, "218 MiB   1  219 MiB   904 KiB\n") || strings.Contains(tables, "NaN") {
		t.Errorf("what one machine more takes is not computed from the first:\n%s", tables)
	}
	if strings.Contains(tables, "emulated") {
		t.Error("machines with KVM are labelled as emulated")
	}
}
