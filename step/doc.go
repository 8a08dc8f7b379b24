// Package step lets a reader step through the start of a container: `minictr run --step`.
//
// A plan with stops asks before each call whether to go on (runtime/compile, stops.go; how
// the two processes wait, runtime/walk, stop.go). A [Stepper] answers. Where it stops it
// prints the calls that come next, and reads keys until one of them lets the walk go on.
//
// What it says of the processes it asks of the kernel, at each stop, as any other program
// could (package proc): never of what minictr has recorded.
//
// Reading order: step.go (where it stops, and what the keys do), list.go (the calls that come
// next), kernel.go (the kernel's view), keys.go (reading keys), command.go (a command of the
// host).
package step
