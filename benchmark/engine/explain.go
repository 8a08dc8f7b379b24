package engine

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// explainer is a tool that can say what it does while it makes a container.
type explainer interface {
	attached
	explained(folder string) []string           // in the foreground, the explanation on standard error
	parts(explanation string) []benchmark.Phase // in the order in which they begin
}

// Explain starts one more container, and ends it. What the tool does not
// explain of its time, it has needed for itself: to start, to read the image, to
// write the plan.
func (e *engine) Explain(ctx context.Context) ([]benchmark.Phase, error) {
	tool, ok := e.tool.(explainer)
	if !ok || !tool.foreground() {
		return nil, errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	folder, err := os.MkdirTemp(e.setup.Scratch, "answer")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	said, err := os.CreateTemp(e.setup.Scratch, "explained")
	if err != nil {
		return nil, err
	}
	defer os.Remove(said.Name())
	defer said.Close()

	i := &instance{engine: e, folder: folder}
	release, err := adopt()
	if err != nil {
		return nil, err
	}
	defer release()
	before := relatives()
	returned, err := i.await(ctx, tool.explained(folder), said)
	if err != nil {
		return nil, err
	}
	i.processes = relatives().without(before)
	if err := i.kill(ctx); err != nil {
		return nil, err
	}
	<-returned // its status is that of a workload that was killed
	text, err := os.ReadFile(said.Name())
	return divide(i.phases, tool.parts(string(text))), err
}

// kill ends a container in the foreground by ending the workload.
func (i *instance) kill(ctx context.Context) error {
	pid := i.workload()
	if pid == 0 {
		return errors.New("the workload has ended by itself")
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		return os.NewSyscallError("kill", err)
	}
	return i.processes.end(ctx)
}

// divide the first phase, the engine's, into parts.
func divide(phases, parts []benchmark.Phase) []benchmark.Phase {
	itself := phases[0]
	for _, part := range parts {
		itself.Took -= part.Took
	}
	return slices.Concat([]benchmark.Phase{{Name: "the engine itself", Took: max(0, itself.Took)}}, parts, phases[1:])
}

func (m *minictr) explained(folder string) []string {
	return m.command("run", "--rm", "--explain", "--network", "none", "-v", folder+":"+inside, image)
}

// phaseOf puts together the parts of a plan that serve one purpose.
func phaseOf(part string) string {
	switch part {
	case "root", "sources", "filesystems", "attach", "dev", "hide":
		return "mount"
	case "clone", "session", "namespaces":
		return "clone"
	case "trampoline", "confine":
		return "exec"
	}
	return part
}

// parts reads the table at the end of what --explain says. A line is
// "    2.18 ms   51%  clone"; the headlines before it ("clone: from here on …")
// give the order.
func (m *minictr) parts(explanation string) (phases []benchmark.Phase) {
	body, table, _ := strings.Cut(explanation, "; by part:\n")
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "ms" {
			continue
		}
		ms, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			continue
		}
		name, took := phaseOf(words[3]), time.Duration(ms*float64(time.Millisecond))
		if i := slices.IndexFunc(phases, func(p benchmark.Phase) bool { return p.Name == name }); i >= 0 {
			phases[i].Took += took
		} else {
			phases = append(phases, benchmark.Phase{Name: name, Took: took})
		}
	}
	slices.SortStableFunc(phases, func(a, b benchmark.Phase) int {
		return strings.Index(body, "\n"+headline(a.Name)+": ") - strings.Index(body, "\n"+headline(b.Name)+": ")
	})
	return phases
}

// headline of the part with which a phase begins.
func headline(phase string) string {
	if phase == "mount" {
		return "root"
	}
	return phase
}
