// Bench-lives takes containers through their lives with several OCI runtimes,
// and compares:
//
//	bench-lives BUNDLE ROUNDS NAME=COMMAND…
//
// The commands ("crun=crun --root /tmp/crun") take turns, so that whatever else
// the computer does is the same for all. Times are medians; the last column is
// the time of the first command divided by this one's. The process of the
// bundle has to end at once.
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

// crowd is how many containers "many" means.
const crowd = 100

type runtime struct {
	name    string
	command []string
}

var bundle string

func main() {
	log.SetFlags(0)
	// Containers that outlive `create` become ours, so that the tree is whole.
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
	compare("create, start, delete", runtimes, rounds, runtime.live)
	compare(fmt.Sprintf("%d runs one after the other", crowd), runtimes, 1, runtime.inARow)
	compare(fmt.Sprintf("%d runs at once", crowd), runtimes, 1, runtime.atOnce)
	memory(runtimes, rounds)
}

// compare measures each runtime in turn, and prints a row for each.
func compare(title string, runtimes []runtime, rounds int, life func(runtime, string)) {
	times := make([][]time.Duration, len(runtimes))
	for round := range rounds + 1 {
		for i, r := range runtimes {
			start := time.Now()
			life(r, fmt.Sprintf("bench-%d", round))
			if round > 0 { // the first fills the caches
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	fmt.Println("==", title)
	first := median(times[0])
	for i, r := range runtimes {
		m := median(times[i])
		fmt.Printf("%-14s median %7.1f ms   min %7.1f   %5.2f\n", r.name, ms(m), ms(slices.Min(times[i])), float64(first)/float64(m))
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

// live is what an engine does with a container.
func (r runtime) live(id string) {
	pid := r.create(id)
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		log.Fatalf("pidfd_open(%d): %v", pid, err)
	}
	defer unix.Close(fd)
	r.do("start", id)
	for ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}; ; {
		if _, err := unix.Poll(ended, -1); err == nil {
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

func (r runtime) inARow(id string) {
	for i := range crowd {
		r.run(fmt.Sprint(id, "-", i))
	}
}

func (r runtime) atOnce(id string) {
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() { r.run(fmt.Sprint(id, "-", i)) })
	}
	all.Wait()
}

// memory: the peak of all processes that a run consists of, and what stays
// while a created container waits for `start`. The peak is the largest sum of
// Pss (a page that two share is half of each) that was seen in a run, and of all
// runs the median, since a process that forks between two looks counts twice:
// the kernel keeps no peak of a tree that is not alone in a cgroup with the
// memory controller. The waiting container counts with what nobody shares with it.
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

// peak looks at the tree of a run as often as it can.
func (r runtime) peak() (peak int) {
	cmd := r.prepare("run", "bench-peak")
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	var over atomic.Bool
	go func() {
		if err := cmd.Wait(); err != nil {
			log.Fatalf("%s run: %v", r.name, err)
		}
		over.Store(true)
	}()
	for !over.Load() {
		var sum int
		var counted []int
		for _, pid := range tree(os.Getpid())[1:] {
			if !slices.ContainsFunc(counted, func(other int) bool { return oneMemory(pid, other) }) {
				sum += smaps(pid, "Pss:")
				counted = append(counted, pid)
			}
		}
		peak = max(peak, sum)
	}
	return peak
}

// oneMemory tells whether two processes share all of it, as after vfork(2).
func oneMemory(a, b int) bool {
	const KCMP_VM = 1 // kcmp(2)
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(a), uintptr(b), KCMP_VM, 0, 0, 0)
	return errno == 0 && order == 0
}

// tree lists a process and its descendants.
func tree(pid int) []int {
	all := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, tree(n)...)
			}
		}
	}
	return all
}

// smaps adds up fields of /proc/PID/smaps_rollup (proc(5)), in kB; a process
// that has ended has none.
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
