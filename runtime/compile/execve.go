package compile

import (
	"path"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// The end of the list, and of the process's life as ours.
//
// It does not become the program at once. The file that runs, /proc/self/exe,
// is still the host's minictr, and nothing in a container may find a way to
// that. So it first becomes the trampoline: a few hundred bytes in a memory
// file of its own, which hold the last calls of this list and their arguments
// (package walk writes them). All that the process must not have is gone by
// then, and the filter is loaded: who reaches the trampoline from inside the
// container gains nothing.
//
// A container that was created stays there until someone writes to Start.

const trampolineFile = plan.Ref("trampoline")

// makeTrampoline makes the file.
func (b *builder) makeTrampoline() error {
	b.begin("trampoline", "minictr")
	b.host("a file in memory, for the last calls of this list", call.MemfdCreate("minictr", true).As(trampolineFile).Allow(unix.EINVAL))
	b.host("the same, before Linux 6.3", call.MemfdCreate("minictr", false).WhenNot(trampolineFile).As(trampolineFile))
	b.host("as a program that makes them", plan.Syscall("write", unix.SYS_WRITE, trampolineFile, plan.ProgramFile, plan.ProgramSize))
	return nil
}

// exec leaves this program.
func (b *builder) exec() error {
	p := b.spec.Process
	b.stayAlive()
	b.begin("exec", "process.user.umask")
	mask := uint32(0o022)
	if p.User.Umask != nil {
		mask = *p.User.Umask
	}
	b.container("modes of new files, from here on", call.Umask(mask))
	b.begin("exec", "process.args")
	if b.options.Wait {
		b.findProgram()
	}
	b.begin("exec", "process")
	b.container("no descriptor but those that are meant for it gets through", call.CloseRange(3+b.options.PreserveFds, unix.CLOSE_RANGE_CLOEXEC))
	b.keepOpen()
	b.loadFilter()
	if b.lastCapset != nil {
		b.from = "process.capabilities"
		b.container("the filter is loaded: only the capabilities that stay", *b.lastCapset)
	}
	b.begin("exec", "minictr")
	leave := call.Execveat(trampolineFile, []string{"minictr"})
	leave.Child = plan.Trampoline
	b.container("leave the host's program behind: /proc/self/exe is a few bytes in memory now", leave)
	return b.trampoline()
}

// keepOpen lets through, as far as the trampoline, what it speaks with.
func (b *builder) keepOpen() {
	b.plan.StartError, b.plan.Saves = plan.ReportWrite, b.saves()
	if b.options.Wait {
		b.plan.StartError = plan.StartError
		b.container("this one has to, for a while: where it waits to be started", call.CloseOnExec(plan.Start, false))
		b.container("and this one: where it then says what failed", call.CloseOnExec(plan.StartError, false))
	}
	if b.saves() {
		b.container("and this one: where the host answers", call.CloseOnExec(plan.ResumeRead, false))
	}
	if b.saves() || !b.options.Wait {
		b.container("this one has to, for a while: where it reports", call.CloseOnExec(plan.ReportWrite, false))
	}
}

// trampoline makes the last calls.
func (b *builder) trampoline() error {
	b.save()
	if b.options.Wait {
		b.undumpable(plan.Trampoline)
		b.add(plan.Trampoline, "created; wait until it is started", call.ReadByte(plan.Start))
		b.add(plan.Trampoline, "not for the program; closed before execve(2): who then reads the end of the report finds it running", call.Close(plan.Start))
	}
	b.add(plan.Trampoline, "not for the program", call.CloseOnExec(b.plan.StartError, true))
	b.begin("exec", "process.args")
	p := b.spec.Process
	programs := b.programs()
	for _, file := range programs {
		if s := call.Execve(file, p.Args, p.Env); len(programs) == 1 {
			b.add(plan.Trampoline, "become the program", s)
		} else {
			b.add(plan.Trampoline, "become the program, if it is in this folder of PATH", s.Allow(notHere...))
		}
	}
	return nil
}

// stayAlive ties the process to its parent. Without the tie it waits for its
// parent to save it.
func (b *builder) stayAlive() {
	if b.options.Outlive {
		return
	}
	b.begin("exec", "minictr")
	b.container("if the host's process dies, so does this one", call.Prctl(unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", plan.Named(uint64(unix.SIGKILL), "SIGKILL")))
	b.container("is it still there? if it died before the line above, this answers EPIPE", say(plan.Alive))
}

// saves tells whether the process stops once more in the trampoline.
func (b *builder) saves() bool { return b.options.Outlive || b.options.Held }

// save waits until it is written down that this process exists: from then on
// it lives without its parent, if it is to. One that is held waits until it is in
// the container's cgroup, and those who live there go on.
func (b *builder) save() {
	if !b.saves() {
		return
	}
	b.add(plan.Trampoline, "all is ready: the host may write down that it exists", say(plan.Save))
	b.add(plan.Trampoline, "and it answers; if it dies this is the end of the pipe", call.ReadByte(plan.ResumeRead))
	b.add(plan.Trampoline, "is it still there? if it died it wrote nothing down, and this answers EPIPE", say(plan.Alive))
	b.add(plan.Trampoline, "there are no more answers", call.Close(plan.ResumeRead))
	if b.options.Wait {
		b.add(plan.Trampoline, "which has done", call.Close(plan.ReportWrite))
	}
}

// stop lets the child wait for the host.
func (b *builder) stop(why string, at plan.SyncPoint) {
	b.container(why, say(at))
	b.await("and it answers with the same; if it died meanwhile, this is the end here too", at)
}

// await waits until the host says so. If it dies the pipe ends without a word.
func (b *builder) await(why string, word plan.SyncPoint) {
	s := call.ReadByte(plan.ResumeRead)
	s.Expect = &plan.Expect{Arg: 1, Mask: 0xff, Value: uint64(word)}
	b.container(why, s)
}

func say(at plan.SyncPoint) plan.Step { return call.Write(plan.ReportWrite, string(rune(at))) }

// notHere are the answers after which the next folder of PATH is tried.
var notHere = []unix.Errno{unix.ENOENT, unix.ENOTDIR, unix.EACCES}

// findProgram fails now if there is no program to execute: who creates a
// container wants to know, and not only when it is started. A filter that is
// loaded already may forbid the question; then there is no answer.
func (b *builder) findProgram() {
	const program = plan.Ref("program")
	programs := b.programs()
	for i, file := range programs {
		s := call.Faccessat2(file, unix.X_OK).As(program).Allow(unix.ENOSYS, unix.EPERM)
		if i < len(programs)-1 {
			s = s.Allow(notHere...)
		}
		if i > 0 {
			s = s.WhenNot(program)
		}
		b.container("may it be executed?", s)
	}
}

// programs are the files to try: the path of a hook, a first argument with a
// slash, or else its name in each folder of PATH.
func (b *builder) programs() []string {
	args := b.spec.Process.Args
	switch {
	case b.options.Program != "":
		return []string{b.options.Program}
	case len(args) == 0:
		return nil
	case strings.Contains(args[0], "/"):
		return args[:1]
	}
	var files []string
	for _, dir := range searchPath(b.spec.Process.Env) {
		files = append(files, path.Join(dir, args[0]))
	}
	return files
}

// DefaultPath is where programs are looked for when the environment does not
// say; docker's.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath is the PATH that the program itself will see. An empty part of
// it is the working directory, as in sh(1).
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
