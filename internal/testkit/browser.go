package testkit

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed inspect.js
var inspectScript string

// SeenPage is what a browser shows of a page.
type SeenPage struct {
	Found          []string // faults
	Text, Pictures string   // what it says
}

// InspectPage shows a page in Chromium, on a phone and on a screen, in light and in dark. A
// fault is a contrast below that of WCAG 2, a page that is wider than the window, a request,
// a message on the console, or what check(document) of the script complains of. It skips the
// test where chromium is not installed.
func InspectPage(t *testing.T, page []byte, script string) (s SeenPage) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	text, err := json.Marshal(string(page)) // "<" becomes \u003c: no tag in it ends the script
	Check(t, err)
	file := filepath.Join(t.TempDir(), "inspect.html")
	document := fmt.Appendf(nil, "<body><script>%s\n%s\ninspect(%s)</script>", inspectScript, script, text)
	Check(t, os.WriteFile(file, document, 0o644))
	var console bytes.Buffer
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=60000",
		"--dump-dom", "file://"+file)
	cmd.Stderr = &console
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, console.String())
	}
	_, body, _ := strings.Cut(string(out), "<body>")
	body, _, _ = strings.Cut(body, "</body>")
	if err := json.Unmarshal([]byte(html.UnescapeString(body)), &s); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(console.String()) {
		if strings.Contains(line, ":CONSOLE") {
			s.Found = append(s.Found, line)
		}
	}
	return s
}
