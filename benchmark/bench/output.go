package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
	"github.com/minictr/minictr/internal/atomicfile"
)

func read(file string) (*benchmark.Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(benchmark.Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// write writes all forms of the report: the tables first, to standard output, so
// that a full disk loses nothing of what was measured.
func write(r *benchmark.Report, out string) error {
	if err := report.Text(os.Stdout, r); err != nil {
		return err
	}
	data, err := lines(r)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.HTML(&page, r); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	pictures, figures := filepath.Join(out, "report.html"), filepath.Join(out, "report.json")
	err = errors.Join(atomicfile.Write(figures, data, 0o644, false),
		atomicfile.Write(pictures, page.Bytes(), 0o644, false))
	if err != nil {
		return err
	}
	fmt.Printf("\nThe pictures are in %s, every single measurement is in %s.\n", pictures, figures)
	return nil
}

// lines returns the report as JSON, each measurement on a line of its own.
func lines(r *benchmark.Report) ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	data = regexp.MustCompile(`,\n {3,}`).ReplaceAll(data, []byte(", "))
	data = regexp.MustCompile(`\n(?: {3,}|  ([}\]]))`).ReplaceAll(data, []byte("$1"))
	return append(data, '\n'), err
}
