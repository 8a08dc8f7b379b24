package systemd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
)

// timeout is how long systemd has for a request.
const timeout = 30 * time.Second

// bus is a connection to systemd.
type bus struct {
	*sd.Conn
	context.Context
}

// connect connects to systemd itself, by its own socket, which is root's, or else to the
// system bus. Close releases the connection.
func connect() (*bus, func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	conn, err := sd.NewSystemdConnectionContext(ctx)
	if err != nil {
		var viaBus error
		if conn, viaBus = sd.NewSystemConnectionContext(ctx); viaBus != nil {
			cancel()
			return nil, nil, hint.New(fmt.Errorf("connect to systemd: %w, %w", err, viaBus), "systemctl status")
		}
	}
	return &bus{conn, ctx}, func() { conn.Close(); cancel() }, nil
}

// version returns the version of systemd, 252; 0 if it does not say.
func (b *bus) version() int {
	text, err := b.GetManagerProperty("Version") // "252.39-1~deb12u2", with quotes
	if err != nil {
		return 0
	}
	text = strings.TrimLeft(text, `"v`)
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		text = text[:end]
	}
	n, _ := strconv.Atoi(text)
	return n
}

// Start makes the scope with a process in it, and returns when its cgroup exists. files are
// the limits, of which systemd is told those that it has properties for. Annotations may
// set further properties of the scope (Annotation).
//
// A scope of this name that has failed is forgotten first: another runtime left it.
func (s *Scope) Start(pid int, description string, files []cgroup.File, annotations map[string]string) error {
	more, err := annotated(annotations)
	if err != nil {
		return err
	}
	b, closeBus, err := connect()
	if err != nil {
		return err
	}
	defer closeBus()
	told, err := limits(files, b.version)
	if err != nil {
		return err
	}
	properties := append(s.properties(pid, description), told...)
	properties = append(append(properties, oomPolicy(files, b.version)...), more...)
	err = b.start(s.Unit, properties)
	if isNamed(err, "org.freedesktop.systemd1.UnitExists") {
		if b.ResetFailedUnitContext(b, s.Unit) == nil {
			err = b.start(s.Unit, properties)
		}
		err = hint.New(err, "systemctl stop "+s.Unit)
	}
	if err != nil {
		return fmt.Errorf("systemd: StartTransientUnit %s: %w", s.Unit, err)
	}
	return nil
}

// ErrExists is the error of StartDelegated if there is a unit of this name.
var ErrExists = errors.New("unit exists")

// StartDelegated makes a scope at the top of the tree of cgroups, with a process in it, for
// cgroups of the caller, and returns when its cgroup exists. It has no limits. At a shutdown
// its processes are sent SIGTERM, and after ten seconds SIGKILL, as by docker; before that
// minictr-restart.service, if it exists, stops the containers.
func StartDelegated(unit string, pid int) error {
	b, closeBus, err := connect()
	if err != nil {
		return err
	}
	defer closeBus()
	s := Scope{Slice: "-.slice", Unit: unit}
	const seconds = 1000000
	properties := append(s.properties(pid, "containers of minictr"),
		property("DefaultDependencies", true), sd.PropBefore("minictr-restart.service"),
		property("TimeoutStopUSec", uint64(10*seconds)), property("TasksMax", uint64(math.MaxUint64)))
	err = b.start(unit, properties)
	if isNamed(err, "org.freedesktop.systemd1.UnitExists") {
		err = errors.Join(ErrExists, err)
	}
	if err != nil {
		return fmt.Errorf("systemd: StartTransientUnit %s: %w", unit, err)
	}
	return nil
}

// properties returns those of every scope. Without DefaultDependencies the scope is not
// stopped before the engine at a shutdown. CollectMode lets systemd forget it when its
// processes have exited, even if the OOM killer made it fail.
func (s *Scope) properties(pid int, description string) []sd.Property {
	list := []sd.Property{
		sd.PropDescription(description), sd.PropSlice(s.Slice), property("Delegate", true),
		property("PIDs", []uint32{uint32(pid)}), property("DefaultDependencies", false),
		property("CollectMode", "inactive-or-failed"),
	}
	for _, controller := range []string{"CPU", "IO", "Memory", "Tasks"} {
		list = append(list, property(controller+"Accounting", true))
	}
	return list
}

// start starts a transient unit, and waits until its job is done.
func (b *bus) start(unit string, properties []sd.Property) error {
	done := make(chan string, 1)
	if _, err := b.StartTransientUnitContext(b, unit, "replace", properties, done); err != nil {
		return err
	}
	select {
	case result := <-done:
		if result != "done" {
			return hint.New(fmt.Errorf("job: %s", result), "systemctl status "+unit)
		}
		return nil
	case <-b.Done():
		return fmt.Errorf("no answer after %v", timeout)
	}
}

// SetLimits tells systemd new limits of a unit. That there is no such unit is no error:
// then systemd has no limits to set again.
func SetLimits(unit string, files []cgroup.File) error {
	b, closeBus, err := connect()
	if err != nil {
		return err
	}
	defer closeBus()
	properties, err := limits(files, b.version)
	if err != nil || len(properties) == 0 {
		return err
	}
	err = b.SetUnitPropertiesContext(b, unit, true, properties...)
	if err != nil && !isNamed(err, "org.freedesktop.systemd1.NoSuchUnit") {
		return fmt.Errorf("systemd: SetUnitProperties %s: %w", unit, err)
	}
	return nil
}

// isNamed reports whether err is the error of this name that systemd has returned.
func isNamed(err error, name string) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == name
}
