// Package report shows a benchmark.Report as tables in the terminal and as one
// HTML page with pictures.
//
// The page is self-contained: no script, no font, no request. Its pictures are
// SVG whose x coordinates are percentages, so that they fill a screen of any
// width with letters of the same size; beside each is a table with the same
// figures. Colours come from two lists, for light and for dark.
//
// Reading order: page.go (both forms), sections.go (one function a section),
// facts.go (the large figures, what is missing), report.txt (the terminal's form,
// the method), then page.html with picture.go (where a value lies in a picture) and
// format.go (how a value is written). published.json has what others have measured.
package report
