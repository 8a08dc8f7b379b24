// Bench-lifecycle compares how OCI runtimes create, start, run and delete
// containers:
//
//	bench-lifecycle BUNDLE ROUNDS NAME=COMMAND…
//
// The commands ("crun=crun --root /tmp/crun") take turns, so that whatever else
// the computer does affects all. Times are medians; the last column is the time of
// the first command divided by this one's. The process of the bundle has to exit
// at once.
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// many is the number of containers of a series.
const many = 100

type runtime struct {
	name    string
	command []string
}

var bundle string

func main() {
	log.SetFlags(0)
	// Processes that outlive `create` become children of this one: descendants finds them.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		log.Fatal(err)
	}
	bundle = os.Args[1]
	rounds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var runtimes []runtime
	for _, arg := range os.Args[3:] {
		name, command, _ := strings.Cut(arg, "=")
		runtimes = append(runtimes, runtime{name, strings.Fields(command)})
	}
	compare("run", runtimes, rounds, runtime.run)
	compare("create, start, delete", runtimes, rounds, runtime.lifecycle)
	compare(fmt.Sprintf("%d runs one after the other", many), runtimes, 1, runtime.sequential)
	compare(fmt.Sprintf("%d runs at once", many), runtimes, 1, runtime.concurrent)
	memory(runtimes, rounds)
}

// compare measures each runtime in turn, and prints a row for each.
func compare(title string, runtimes []runtime, rounds int, measured func(r runtime, id string)) {
	times := make([][]time.Duration, len(runtimes))
	for round := range rounds + 1 {
		for i, r := range runtimes {
			start := time.Now()
			measured(r, fmt.Sprintf("bench-%d", round))
			if round > 0 { // the first fills the caches
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	fmt.Println("==", title)
	first := median(times[0])
	for i, r := range runtimes {
		m := median(times[i])
		fmt.Printf("%-14s median %7.1f ms   min %7.1f   %5.2f\n",
			r.name, ms(m), ms(slices.Min(times[i])), float64(first)/float64(m))
	}
}

func median[T cmp.Ordered](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r runtime) prepare(args ...string) *exec.Cmd {
	cmd := exec.Command(r.command[0], slices.Concat(r.command[1:], args)...)
	cmd.Dir, cmd.Stderr = bundle, os.Stderr
	return cmd
}

func (r runtime) do(args ...string) {
	if err := r.prepare(args...).Run(); err != nil {
		log.Fatalf("%s %s: %v", r.name, strings.Join(args, " "), err)
	}
}

func (r runtime) run(id string) { r.do("run", id) }

// lifecycle does what an engine does with a container.
func (r runtime) lifecycle(id string) {
	pid := r.create(id)
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		log.Fatalf("pidfd_open(%d): %v", pid, err)
	}
	defer unix.Close(fd)
	r.do("start", id)
	for exited := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}; ; {
		if _, err := unix.Poll(exited, -1); err == nil {
			break
		}
	}
	unix.Wait4(pid, nil, 0, nil)
	r.do("delete", id)
}

func (r runtime) create(id string) (pid int) {
	file := filepath.Join(bundle, "pid")
	r.do("create", "--pid-file", file, id)
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	return pid
}

func (r runtime) sequential(id string) {
	for i := range many {
		r.run(fmt.Sprint(id, "-", i))
	}
}

func (r runtime) concurrent(id string) {
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { r.run(fmt.Sprint(id, "-", i)) })
	}
	all.Wait()
}

// memory prints the peak of all processes of a run, and what a created container
// takes that waits for `start`. The peak of a run is the largest sum of Pss
// (proc_pid_smaps(5)) that was sampled, and the median of all runs is printed,
// since a process that forks between two samples counts twice: the kernel records
// no peak of processes without a cgroup of their own with the memory controller.
// The waiting container counts with its private pages.
func memory(runtimes []runtime, rounds int) {
	fmt.Println("== memory")
	for _, r := range runtimes {
		peaks := make([]int, rounds)
		for i := range peaks {
			peaks[i] = r.peak()
		}
		pid := r.create("bench-waits")
		waiting := smaps(pid, "Private_Clean:", "Private_Dirty:")
		r.do("delete", "--force", "bench-waits")
		unix.Wait4(pid, nil, 0, nil)
		fmt.Printf("%-14s peak %6d kB   a created container that waits %6d kB\n", r.name, median(peaks), waiting)
	}
}

// peak samples the processes of a run as often as it can.
func (r runtime) peak() (peak int) {
	cmd := r.prepare("run", "bench-peak")
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	var exited atomic.Bool
	go func() {
		if err := cmd.Wait(); err != nil {
			log.Fatalf("%s run: %v", r.name, err)
		}
		exited.Store(true)
	}()
	for !exited.Load() {
		var sum int
		var counted []int
		for _, pid := range descendants(os.Getpid()) {
			if !slices.ContainsFunc(counted, func(other int) bool { return sameMemory(pid, other) }) {
				sum += smaps(pid, "Pss:")
				counted = append(counted, pid)
			}
		}
		peak = max(peak, sum)
	}
	return peak
}

// sameMemory reports whether two processes share an address space, as after vfork(2).
func sameMemory(a, b int) bool {
	const KCMP_VM = 1 // kcmp(2)
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(a), uintptr(b), KCMP_VM, 0, 0, 0)
	return errno == 0 && order == 0
}

// descendants returns the children of a process (proc_pid_task(5)), and theirs.
func descendants(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(append(all, n), descendants(n)...)
			}
		}
	}
	return all
}

// smaps adds up fields of /proc/PID/smaps_rollup, in kB; a process that has exited
// has none.
func smaps(pid int, fields ...string) (sum int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && slices.Contains(fields, f[0]) {
			n, _ := strconv.Atoi(f[1])
			sum += n
		}
	}
	return sum
}
