package main

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// dockerCommands are docker's commands: those that exist here, and those that are refused.
const (
	dockerCommands = `attach cp create diff events exec export history images import info inspect kill load login
		logout logs pause port ps pull push rename restart rm rmi run save start stats stop tag top unpause update
		version wait container image system volume`
	dockerGroups = `container:attach,cp,create,diff,exec,export,inspect,kill,logs,ls,pause,port,prune,rename
		container:restart,rm,run,start,stats,stop,top,unpause,update,wait
		image:history,import,inspect,load,ls,prune,pull,push,rm,save,tag system:df,events,info,prune
		volume:create,inspect,ls,prune,rm`
	refusedCommands = `build builder buildx checkpoint commit compose config context manifest network node plugin search
		secret service stack swarm trust container:commit image:build volume:update`
)

// commandWords returns each command of a list as words: NAME, or GROUP:NAME,NAME…
func commandWords(list string) (all [][]string) {
	for _, word := range strings.Fields(list) {
		group, names, ok := strings.Cut(word, ":")
		if !ok {
			all = append(all, []string{word})
			continue
		}
		for _, name := range strings.Split(names, ",") {
			all = append(all, []string{group, name})
		}
	}
	return all
}

// TestDockerCommands: each command of docker exists, or is refused with what to do instead.
func TestDockerCommands(t *testing.T) {
	store := t.TempDir()
	for _, words := range commandWords(dockerCommands + " " + dockerGroups) {
		out, err := minictr(store, append(words, "--help")...)
		name := strings.Join(words, " ")
		if err != nil || !strings.HasPrefix(out, "Usage: minictr "+name) {
			t.Errorf("minictr %s --help: %v\n%s", name, err, out)
		}
	}
	for _, words := range commandWords(refusedCommands) {
		out, err := minictr(store, append(words, "-x", "ls", "name")...)
		refused := regexp.MustCompile(`^minictr: ` + words[len(words)-1] + `: .* is not implemented\nhint: .+\n$`)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailure || !refused.MatchString(out) {
			t.Errorf("minictr %s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
	// what is not listed is not refused with a hint of its own
	out, err := minictr(store, "nosuch")
	testkit.WantError(t, "nosuch", err, "exit status 125")
	testkit.Equal(t, "output", out, "minictr: \"nosuch\": no such command\nhint: minictr --help\n")
}

// TestDockerHasNoOtherCommand: the lists have all that docker's own help has.
func TestDockerHasNoOtherCommand(t *testing.T) {
	testkit.NeedTool(t, "docker")
	known := commandWords(dockerCommands + " " + dockerGroups + " " + refusedCommands)
	for _, group := range []string{"", "container", "image", "system", "volume"} {
		help, err := exec.Command("docker", append(strings.Fields(group), "--help")...).Output()
		testkit.Check(t, err)
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)\*? {2,}[A-Z]`).FindAllStringSubmatch(string(help), -1) {
			words := append(strings.Fields(group), m[1])
			if !slices.ContainsFunc(known, func(k []string) bool { return slices.Equal(k, words) }) {
				t.Errorf("docker %s: not in the lists", strings.Join(words, " "))
			}
		}
	}
}
