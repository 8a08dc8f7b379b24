// Package testkit is what tests of several packages share. Only tests import it,
// and it imports no package of this module.
//
//   - need.go: skip a test that lacks root, a program or a cgroup controller
//   - wait.go: wait for something that takes a moment
//   - words.go: commands and conditions of testscript files
//   - guard.go: compare the host before and after a test
//   - kill.go: kill a command at each of its system calls
//   - tar.go: tar archives, entry by entry
//   - layer.go: compressed layers, and their overlay
//   - image.go: root filesystems and images
//   - browser.go: show a page in a browser
//   - error.go: end a test at an error; check a result, or the text of an error
package testkit
