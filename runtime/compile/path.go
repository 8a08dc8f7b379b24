// Which file is executed: the first argument, or a file of that name in PATH.

package compile

import (
	"path"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// notHere are the errors after which the next directory of PATH is tried.
var notHere = []unix.Errno{unix.ENOENT, unix.ENOTDIR, unix.EACCES}

// findProgram fails now if there is no program to execute: `create` reports that, and not
// only `start`. A filter that is loaded already may forbid the question; then there is
// no answer. faccessat2(2) does not tell a directory from a program.
func findProgram(l *list, programs []string) {
	const program = plan.Ref("program")
	if len(programs) == 1 {
		l.container("fail if it cannot be executed",
			call.ExecveatCheck(programs[0]).As(program).Allow(unix.EINVAL, unix.ENOSYS, unix.EPERM))
		l.container("the same, before Linux 6.14", call.Faccessat2(programs[0], unix.X_OK).WhenNot(program).
			Allow(unix.ENOSYS, unix.EPERM))
		return
	}
	for i, file := range programs {
		s := call.Faccessat2(file, unix.X_OK).As(program).Allow(unix.ENOSYS, unix.EPERM)
		if i < len(programs)-1 {
			s = s.Allow(notHere...)
		}
		if i > 0 {
			s = s.WhenNot(program)
		}
		l.container("fail if it cannot be executed", s)
	}
}

// programs are the files to try: the path of a hook, a first argument with a
// slash, or else its name in each directory of PATH.
func programs(p *specs.Process, program string) []string {
	args := p.Args
	switch {
	case program != "":
		return []string{program}
	case len(args) == 0:
		return nil
	case strings.Contains(args[0], "/"):
		return args[:1]
	}
	var files []string
	for _, dir := range searchPath(p.Env) {
		files = append(files, path.Join(dir, args[0]))
	}
	return files
}

// DefaultPath is where programs are looked for when the environment does not
// say; docker's.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath returns the directories of PATH as the program itself will see it. An empty
// one is the working directory, as in sh(1).
func searchPath(env []string) []string {
	value := DefaultPath
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			value = v
		}
	}
	dirs := strings.Split(value, ":")
	for i, d := range dirs {
		if d == "" {
			dirs[i] = "."
		}
	}
	return dirs
}
