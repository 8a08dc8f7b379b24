package container

// The watcher: the process that is a container's parent, in the background. As
// long as there is something to decide it is this code; while there is nothing to
// do but to wait, package watch.
//
//	`minictr start`             starts it
//	minictr watch ID            makes the container, becomes the watch
//	minictr watch --ended ID    writes down the end; removes what is not to stay,
//	                            or begins again, or sleeps before that
//	minictr watch --again ID    has slept
//
// Killed at any moment, it takes its container along, which the kernel sees to
// (prctl(2), PR_SET_PDEATHSIG), and the next command settles the rest.

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/container/watch"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// Watch makes the container and becomes its watcher; it returns only if that
// fails. starter is told that it lives, or of the error.
// stdin, if any, is what the container reads. It has to be called on the process's
// first thread.
func Watch(root, id string, starter, stdin *os.File, calls func(*plan.Plan) walk.Watch) error {
	// what the caller has left open is neither ours nor the container's
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		return tellStarter(starter, fmt.Errorf("close_range: %w", err))
	}
	c, err := open(root, id, "")
	if err == nil {
		err = c.takeToStart()
	}
	if errors.Is(err, errRunning) {
		return say(starter, overtaken)
	}
	if err != nil {
		return tellStarter(starter, err)
	}
	catchSignals()
	err = errors.Join(c.settleHeld(""), c.recordWatcher(), c.markRemove(), c.forgetRestarts())
	if err == nil {
		err = c.live(stdin, calls)
	}
	if err == nil {
		err = errors.Join(letGo(), say(starter, lives))
	}
	if err == nil {
		err = c.watch()
	}
	return errors.Join(tellStarter(starter, err), c.failed(err))
}

// takeToStart locks the container; a watcher that waits to begin again gives way.
// The error is errRunning if another one starts it at this moment, and succeeds.
func (c *Container) takeToStart() error {
	for began := time.Now(); ; {
		if err := c.wake(); err != nil {
			return err
		}
		err := c.take(briefly)
		if !errors.Is(err, errRunning) {
			return err
		}
		if s, err := c.State(); err != nil || s.Lives() {
			return errors.Join(err, errRunning)
		}
		if time.Since(began) > lethal {
			return errBusy
		}
	}
}

func say(starter *os.File, word string) error {
	_, err := starter.WriteString(word)
	return err
}

// letGo gives up the starter's streams: the container has those that it is to have.
func letGo() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return errors.Join(watch.Keep(null, unix.Stdin), watch.Keep(null, unix.Stdout), watch.Keep(null, unix.Stderr))
}

// notForUs are signals that a terminal or a full disk sends.
var notForUs = [...]os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGXFSZ, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// ignoreSignals holds for what we become, too: execve(2) keeps what is ignored.
func ignoreSignals() { signal.Ignore(notForUs[:]...) }

// catchSignals does nothing about them either, and a container that is made
// meanwhile has their default actions: a handler does not outlive execve(2).
func catchSignals() { signal.Notify(make(chan os.Signal, 1), notForUs[:]...) }

// recordWatcher writes down that this process watches over the container, and
// keeps what has to stay.
func (c *Container) recordWatcher() error {
	self, err := state.Self()
	if err != nil {
		return err
	}
	data, err := json.Marshal(&self)
	if err != nil {
		return err
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer exe.Close()
	return errors.Join(c.replace("watcher", data), watch.Keep(c.lock, watch.Folder), watch.Keep(exe, watch.Minictr))
}

// forgetRestarts: somebody has started it, so they are counted from 0.
func (c *Container) forgetRestarts() error {
	end, err := c.End()
	if err != nil || end == nil {
		return err
	}
	end.Restarts, end.Quick = 0, 0
	return c.saveEnd(end)
}

// live begins a life, with the watcher's descriptors for its streams.
func (c *Container) live(stdin *os.File, calls func(*plan.Plan) walk.Watch) error {
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	host, err := c.planHost()
	if err != nil {
		return err
	}
	t, err := c.terms(host)
	if err != nil {
		return err
	}
	streams, err := c.detach(spec, stdin, &t)
	if err != nil {
		return err
	}
	defer streams.close()
	if err := c.reserve(); err != nil {
		return err
	}
	t.Watch = calls
	process, err := c.begin(spec, t)
	if err != nil {
		return err
	}
	if err := streams.keep(process); err != nil {
		return err
	}
	return c.startHealth()
}

// watch becomes the watch.
func (c *Container) watch() error {
	args := func(words ...string) []string { return append(append([]string{"minictr"}, words...), c.ID) }
	w := &watch.Watcher{
		Ended: args("watch", "--ended"), Health: args("health"), Env: c.watcherEnv(),
		Log: logs.Current, Older: logs.Older, Maximum: c.Settings.LogMaximum,
	}
	ignoreSignals()
	return w.Become()
}

// Ended is what the watcher does when its container has ended. It returns when
// there is nothing left to watch over.
func Ended(root, id string) error {
	ignoreSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	life, err := c.life()
	if err != nil {
		return err
	}
	status, err := runtime.WaitFor(life.Record.Pid)
	if err != nil {
		return err
	}
	end := c.newEnd(status)
	end.countQuick()
	c.drain()
	if err := c.saveEnd(end); err != nil {
		return err
	}
	if err := c.finish(); err != nil {
		return err
	}
	awaitChecks()
	watch.CloseAll()
	return c.after(end)
}

// Again is what the watcher does when it has slept.
func Again(root, id string) error {
	catchSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	return c.again()
}

// ownContainer is the container of this watcher, which has its lock.
func ownContainer(root, id string) (*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	c, err := open(root, id, namesOf(root)[id])
	c.lock = os.NewFile(watch.Folder, c.dir)
	return c, err
}

// after is what follows an end.
func (c *Container) after(end *End) error {
	if c.Settings.Options.Remove {
		c.letWaitersRead()
		return c.remove()
	}
	pause, again := c.Settings.Restart.again(end)
	if !again {
		return errors.Join(c.drop("watcher"), c.unlock())
	}
	if err := c.write("sleeps", nil); err != nil {
		return err
	}
	if c.has("stopped") { // since we asked
		return errors.Join(c.drop("sleeps"), c.drop("watcher"), c.unlock())
	}
	return watch.Sleep(pause, []string{"minictr", "watch", "--again", c.ID}, c.watcherEnv())
}

// again begins another life.
func (c *Container) again() error {
	end, err := c.End()
	if err != nil {
		return err
	}
	if end == nil {
		return fmt.Errorf("container %s: it begins again, and has never ended", c.ID)
	}
	end.Restarts++
	err = errors.Join(c.saveEnd(end), c.drop("sleeps"))
	if err == nil {
		err = c.live(nil, nil)
	}
	if err == nil {
		err = c.watch()
	}
	return c.failed(err)
}

// failed writes down that the container could not be started, and ends what may
// have been started of it.
func (c *Container) failed(err error) error {
	end := c.nextEnd()
	end.Error, end.ExitCode = err.Error(), exitUnstarted
	if code, ok := runtime.ExecExitCode(err); ok {
		end.ExitCode = code
	}
	if c.Settings.Options.Remove {
		return errors.Join(c.finish(), c.remove())
	}
	return errors.Join(c.saveEnd(end), c.finish(), c.drop("watcher"), c.unlock())
}

// exitUnstarted is the exit code of a container that could not be started.
const exitUnstarted = 125

// drain writes to the log what the container has written last. Who outlives it
// with the same pipe, as only a process of the host's pid namespace can, is not
// waited for.
func (c *Container) drain() {
	log, err := logs.OpenWriter(c.dir, c.Settings.LogMaximum)
	if err != nil {
		return // a log is never worth more than an end
	}
	defer log.Close()
	buf := make([]byte, 32<<10)
	for fd, stream := range map[int]int{watch.Output: logs.Stdout, watch.Errors: logs.Stderr} {
		for left := 1 << 20; left > 0; {
			if err := unix.SetNonblock(fd, true); err != nil {
				break // there is no such stream
			}
			n, err := unix.Read(fd, buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if n <= 0 {
				break
			}
			left -= n
			log.Write(stream, time.Now(), buf[:n]) // a full disk leaves it out
		}
	}
}
