// Package call has a function for each system call that makes a container. It
// returns the step that makes the call; its side and its reason are added where
// a plan is compiled.
package call
