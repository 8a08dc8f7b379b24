package main

// Output of the commands that show images: tables without control characters, and JSON.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/internal/printable"
)

// name is a path or a link's target: any bytes. In JSON, one that is not UTF-8 is an
// object with the base64 of it.
type name string

func (n name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return marshal(string(n))
	}
	return marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(n))})
}

// String returns the name without control characters.
func (n name) String() string { return printable.Line(string(n)) }

func marshal(v any) ([]byte, error) { return encode(v, "") }

func printJSON(v any) error {
	text, err := encode(v, "  ")
	if err == nil {
		_, err = fmt.Println(string(text))
	}
	return err
}

// encode returns v as JSON without control characters.
func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", indent)
	if err := out.Encode(v); err != nil {
		return nil, err
	}
	return printable.JSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// table prints rows in columns. The first row has the headings.
func table(rows [][]string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 1, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func humanSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// oneLine returns an instruction on one line, cut to 60 characters unless whole.
func oneLine(text string, whole bool) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); !whole && len(r) > 60 {
		text = string(r[:59]) + "…"
	}
	return printable.Line(text)
}

// short returns the first 12 hexadecimal digits of a digest, or the whole.
func short(digest string, whole bool) string {
	if whole || len(digest) < 19 {
		return digest
	}
	return digest[7:19]
}
