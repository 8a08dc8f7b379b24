package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/minictr/minictr/benchmark"
)

// sample is the report in the repository, measured with scripts/bench.
func sample(t *testing.T) *benchmark.Report {
	t.Helper()
	data, err := os.ReadFile("../sample/report.json")
	if err != nil {
		t.Fatal(err)
	}
	r := new(benchmark.Report)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		t.Fatalf("../sample/report.json: %v", err)
	}
	return r
}

func TestSampleIsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../sample/report.html")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page(t, sample(t)), want) {
		t.Error("benchmark/sample/report.html is not what its report.json gives; write it again:\n\tgo run ./benchmark/bench -again benchmark/sample/report.json -out benchmark/sample")
	}
}
