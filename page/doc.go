// Package page draws a plan as an HTML page of its own: a file that needs no other and
// makes no request, for a lecture or for a student to keep.
//
// The page has two lanes, the host's process and the container's, on an axis of time or, for
// a plan that was not carried out, of steps. Each part of the plan is a section with an
// address (#pivot). There is no script: every section is readable with styles off, on paper
// and on a phone.
//
// Reading order: page.go (what is drawn, and the order of the page), times.go (when each
// step was made), lanes.go (the axis), figures.go (namespaces as nested boxes, layers as a
// stack, where the time went), steps.go (the sections), style.css.
package page
