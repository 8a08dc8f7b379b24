package lessons

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// adoptAll makes this process the parent of processes below it whose parent exits, so that
// none escapes the check (PR_SET_CHILD_SUBREAPER).
func (w *Work) adoptAll() (err error) {
	if w.adopts {
		return nil
	}
	if w.before, err = below(os.Getpid()); err == nil {
		err = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		w.adopts = err == nil
	}
	return err
}

// Processes returns the processes that student's programs have started, and that have not
// ended, parents first; the programs are among them.
func (w *Work) Processes() ([]int, error) {
	list, err := below(os.Getpid())
	return slices.DeleteFunc(list, func(pid int) bool { return slices.Contains(w.before, pid) }), err
}

// findInit returns the first process below pid that runs another program than the student's.
func (w *Work) findInit(pid int) (int, error) {
	list, err := below(pid)
	if err == nil && len(list) == 0 { // the program has exited
		list, err = w.Processes()
	}
	if err != nil {
		return 0, err
	}
	for _, pid := range list {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && exe != w.program && !strings.HasPrefix(exe, "/memfd:") {
			return pid, nil
		}
	}
	return 0, missing("clone3(2) makes a process, execve(2) a program in it",
		"no process below the program runs another program")
}

// below returns the descendants of a process that are not zombies, parents first.
func below(pid int) ([]int, error) {
	for {
		children, whole, err := children()
		if err != nil || whole {
			list := slices.Clone(children[pid])
			for i := 0; i < len(list); i++ {
				list = append(list, children[list[i]]...)
			}
			return list, err
		}
	}
}

// children returns the children of each process, but for zombies. It is not whole if the
// parent of a process has exited meanwhile: then the process has another one now.
func children() (list map[int][]int, whole bool, err error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, false, err
	}
	list, known := map[int][]int{}, map[int]bool{0: true} // 0: in another pid namespace
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// "PID (COMM) STATE PPID …": a comm may hold blanks and parentheses
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		if known[pid] = true; fields[0] != "Z" && fields[0] != "X" {
			list[parent] = append(list[parent], pid)
		}
	}
	for parent := range list {
		if !known[parent] {
			return nil, false, nil
		}
	}
	return list, true, nil
}

// killAll kills what the student's programs have started, until nothing of it is left.
func (w *Work) killAll() error {
	if !w.adopts {
		return nil
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		list, err := w.Processes()
		if err != nil || len(list) == 0 {
			return err
		}
		if time.Since(begin) > w.limit {
			return fmt.Errorf("processes %v: do not end", list)
		}
		for _, pid := range list {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}
