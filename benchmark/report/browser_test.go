package report_test

// The page in a real browser: what a reader would notice, in one that was
// measured and in one that has everything that can stand in it.

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
)

var screenshots = flag.String("screenshots", "", "a folder in which the pictures of the page are kept")

// browser is Chromium with the page in it, and what it has complained of.
type browser struct {
	context.Context
	t         *testing.T
	mutex     sync.Mutex
	complains []string
}

func open(t *testing.T, page string) *browser {
	t.Helper()
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	ctx, end := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(end)
	b := &browser{Context: ctx, t: t}
	if err := chromedp.Listen(ctx, func(event any) { b.hear(event, page) }); errors.Is(err, exec.ErrNotFound) {
		t.Skip("chromium is not installed")
	} else if err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	return b
}

// call gives the browser a command.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// hear notes what stands on the console, and requests for anything but the page.
func (b *browser) hear(event any, page string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complains = append(b.complains, fmt.Sprintf("console: %s", e.Type))
	case *runtime.EventExceptionThrown:
		b.complains = append(b.complains, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.complains = append(b.complains, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if e.Request.URL != page && !strings.HasPrefix(e.Request.URL, "data:") {
			b.complains = append(b.complains, "asks for "+e.Request.URL)
		}
	}
}

func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	result, err := chromedp.Run(b, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func (b *browser) show(width int, scheme, name string) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(width), Height: 900, DeviceScaleFactor: 1})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	file := filepath.Join(*screenshots, fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// overlaps finds letters that lie on letters or stick out of their picture.
const overlaps = `(() => {
	const found = [];
	for (const svg of document.querySelectorAll('svg:not(.swatch)')) {
		const frame = svg.getBoundingClientRect();
		const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
		texts.forEach(([a, r], i) => {
			if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.bottom > frame.bottom + 1)
				found.push(svg.id + ': ' + a + ' sticks out');
			for (const [b, s] of texts.slice(i + 1))
				if (r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 2 && s.top < r.bottom - 2)
					found.push(svg.id + ': ' + a + ' lies on ' + b);
		});
	}
	return found;
})()`

const empty = `[...document.querySelectorAll('svg')]
	.filter(s => s.getBoundingClientRect().width < 5 || s.getBoundingClientRect().height < 5 || !s.querySelector('circle, rect'))
	.map(s => s.id || s.className.baseVal)`

// unlabelled are pictures and tables of emulated machines beside which it is not
// said what KVM would change.
const unlabelled = `[...document.querySelectorAll('section:has(svg)')].flatMap(s => [
	...[...s.querySelectorAll('figure:not(.phases), figure.phases:not(:has(+ figure))')].filter(f => !f.nextElementSibling.textContent.includes('With KVM')),
	...[...s.querySelectorAll('details')].filter(d => !d.querySelector('.note').textContent.includes('With KVM')),
].map(e => s.id + ': ' + e.textContent.trim().slice(0, 40)))`

// contrast of the letters with the paper, by WCAG 2.
const contrast = `(() => {
	const light = c => c.match(/[\d.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const paper = light(getComputedStyle(document.body).backgroundColor);
	return Math.min(...[...document.querySelectorAll('p, td, th, li, dd, figcaption, text')].map(e => {
		const style = getComputedStyle(e), ink = light(e.tagName == 'text' ? style.fill : style.color);
		const back = e.closest('.warning, .keys li') ? light(getComputedStyle(e.closest('.warning, .keys li')).backgroundColor) : paper;
		return (Math.max(ink, back) + .05) / (Math.min(ink, back) + .05);
	}));
})()`

func TestPageInABrowser(t *testing.T) {
	for name, r := range map[string]*benchmark.Report{"example": example(), "sample": sample(t)} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name+".html")
			if err := os.WriteFile(file, page(t, r), 0o644); err != nil {
				t.Fatal(err)
			}
			look(open(t, "file://"+file), name, r)
		})
	}
}

func page(t *testing.T, r *benchmark.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// look looks at the page by day and by night, on a telephone and on a screen.
func look(b *browser, name string, r *benchmark.Report) {
	t := b.t
	t.Helper()
	paper := map[string]string{}
	for _, scheme := range [...]string{"light", "dark"} {
		for _, width := range [...]int{360, 1000} {
			b.show(width, scheme, name)
			for _, text := range evaluate[[]string](b, overlaps) {
				t.Errorf("%s, %d pixels wide: %s", scheme, width, text)
			}
			for _, id := range evaluate[[]string](b, empty) {
				t.Errorf("%d pixels wide: there is nothing in picture %q", width, id)
			}
			if wide := evaluate[int](b, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%d pixels wide: the page needs %d", width, wide)
			}
		}
		if least := evaluate[float64](b, contrast); least < 4.5 {
			t.Errorf("%s: letters have a contrast of %.1f with the paper; at least 4.5 is wanted", scheme, least)
		}
		paper[scheme] = evaluate[string](b, `getComputedStyle(document.body).backgroundColor`)
	}
	if paper["light"] == paper["dark"] {
		t.Errorf("the paper is %s by day and by night", paper["dark"])
	}
	for _, what := range evaluate[[]string](b, unlabelled) {
		t.Errorf("what KVM would change does not stand at %s", what)
	}
	checkFigures(b, r)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, c := range b.complains {
		t.Error(c)
	}
}

// checkFigures: each figure of the tables in the terminal can be read in the
// page, and each picture has a row for each target.
func checkFigures(b *browser, r *benchmark.Report) {
	b.t.Helper()
	text := evaluate[string](b, `document.querySelectorAll('details').forEach(d => d.open = true), document.body.innerText + [...document.links].map(a => '\n' + a.href).join('')`)
	pictures := evaluate[string](b, `[...document.querySelectorAll('svg text')].map(t => t.textContent).join('\n')`)
	var tables strings.Builder
	if err := report.Text(&tables, r); err != nil {
		b.t.Fatal(err)
	}
	// both are words between white space
	words := strings.Join(strings.Fields(text), " ")
	n := 0
	for line := range strings.Lines(tables.String()) {
		if strings.HasPrefix(line, "==") {
			continue
		}
		for _, cell := range strings.Split(strings.TrimSpace(line), "  ") {
			if cell = strings.TrimSpace(cell); cell != "" && !strings.Contains(line, ": ") {
				n++
				if !strings.Contains(words, strings.Join(strings.Fields(cell), " ")) {
					b.t.Errorf("%q stands in the terminal's table, and not in the page", cell)
				}
			}
		}
	}
	if n < 100 {
		b.t.Errorf("only %d figures were looked for", n)
	}
	for _, target := range r.Targets {
		if target.LeftOut == "" && strings.Count(pictures, target.Name) < 5 {
			b.t.Errorf("%s has no row in some picture", target.Name)
		}
	}
}
