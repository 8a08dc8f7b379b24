package monitor

// A health check is a child of the monitor, minictr health ID: it runs the check's command
// in the container (probe.go), writes health.json, and sets the timer for the next check.
// The timer (timerfd_create(2)) is a descriptor that the monitor and its checks share.
// Its clock, CLOCK_BOOTTIME, advances while the machine is suspended: after that a check
// is due soon.

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// startTimer starts the timer of the health checks of a new task. Reading it does not
// block: a check may set it again between poll(2) and read(2).
func startTimer(c *container.Container) error {
	rules := c.Settings.Health
	if rules == nil {
		return nil
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	defer timer.Close()
	now := time.Now()
	h := &container.Health{Status: container.Starting, TaskStarted: now}
	return errors.Join(setTimer(fd, checkDelay(h, rules, now), rules), keepFile(timer, timerFD))
}

// setTimer sets the timer to expire after delay; and again, in case the check is killed,
// after the time that a check may take.
func setTimer(fd int, delay time.Duration, rules *config.Healthcheck) error {
	spec := &unix.ItimerSpec{
		Value:    unix.NsecToTimespec(int64(delay)),
		Interval: unix.NsecToTimespec(int64(delay + time.Duration(rules.Timeout) + time.Second)),
	}
	if err := unix.TimerfdSettime(fd, 0, spec, nil); err != nil {
		return fmt.Errorf("timerfd_settime: %w", err)
	}
	return nil
}

// waitForChecks waits for the health checks of a task that exited: they exit with it, and
// must not write into a directory that is removed. They are the only children left.
func waitForChecks() {
	for began := time.Now(); time.Since(began) < container.KillTimeout; time.Sleep(time.Millisecond) {
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); errors.Is(err, unix.ECHILD) {
			return
		}
	}
}

// CheckHealth makes one health check, in a child of the monitor.
func CheckHealth(root, id string) error {
	c, err := container.OpenID(root, id)
	if err != nil {
		return err
	}
	if c.Settings.Health == nil {
		return fmt.Errorf("container %s: no health check", id)
	}
	catchSignals()
	if err := checkHealth(c); err != nil {
		return fmt.Errorf("check health of container %s: %w", id, err)
	}
	return nil
}

// checkHealth makes the check, and sets the timer even if that failed.
func checkHealth(c *container.Container) error {
	rules := c.Settings.Health
	task, err := c.Task()
	if err != nil {
		return err
	}
	h, err := c.HealthOf(task.Record.Created)
	if err != nil {
		return err
	}
	err = checkTask(c, task, h)
	return errors.Join(err, setTimer(timerFD, checkDelay(h, rules, time.Now()), rules))
}

// checkTask adds the result of a check to h. A check that was interrupted, because the
// container was paused or exited, has no result.
func checkTask(c *container.Container, task *state.Dir, h *container.Health) error {
	if status, err := task.Status(); err != nil || status != specs.StateRunning {
		return err
	}
	check, err := runCheck(c, task)
	if errors.Is(err, errFrozen) {
		return nil
	}
	if err != nil {
		return err
	}
	if status, err := task.Status(); err != nil || status != specs.StateRunning {
		return err
	}
	before := h.Status
	addCheck(h, c.Settings.Health, check)
	data, err := json.Marshal(h)
	if err == nil {
		err = c.ReplaceFile("health.json", data)
	}
	if err == nil && h.Status != before {
		c.Event("health_status: " + h.Status)
	}
	return err
}

// checksKept is the number of results that are kept; docker's.
const checksKept = 5

// addCheck adds the result of a check, by the rules in container/health.go.
func addCheck(h *container.Health, rules *config.Healthcheck, check container.Check) {
	h.Log = append(h.Log, check)
	h.Log = h.Log[max(0, len(h.Log)-checksKept):]
	if check.ExitCode == 0 {
		h.Status, h.FailingStreak = container.Healthy, 0
		return
	}
	if h.Status == container.Starting && check.Start.Sub(h.TaskStarted) < time.Duration(rules.StartPeriod) {
		return
	}
	h.FailingStreak++
	if h.FailingStreak >= rules.Retries {
		h.Status = container.Unhealthy
	}
}

// checkDelay returns the time until the next check: the start interval holds in the start
// period, until the first success.
func checkDelay(h *container.Health, rules *config.Healthcheck, now time.Time) time.Duration {
	if h.Status == container.Starting && now.Sub(h.TaskStarted) < time.Duration(rules.StartPeriod) {
		return time.Duration(rules.StartInterval)
	}
	return time.Duration(rules.Interval)
}
