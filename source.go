// Package minictr is the source text of the plan language, for those who write programs in
// it: `minictr lesson start` lays it out beside an exercise, which then needs no network
// to find it. Embedded text costs nothing at start-up.
//
// It stands here because go:embed reaches only files below its own directory.
package minictr

import "embed"

// Source holds runtime/plan, plan/call, walk and table, what they import of this module,
// their tests, and the files go.mod and go.sum.
//
//go:embed go.mod go.sum internal/printable/*.go
//go:embed runtime/plan/*.go runtime/plan/call/*.go runtime/table/*.go runtime/table/*.s
//go:embed runtime/walk/*.go runtime/walk/*.s
var Source embed.FS
