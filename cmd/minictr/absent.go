package main

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// absentCommands are docker's commands, and groups of them, that do not exist here. Each is
// refused by name, with what to do instead.
func absentCommands() []*cli.Command {
	const (
		cluster = "run a container on each machine: ssh HOST minictr run -d IMAGE"
		secret  = "mount a file: minictr run -v FILE:/run/secrets/NAME:ro IMAGE"
	)
	all := []*cli.Command{buildCommand, commitCommand}
	for _, c := range [][3]string{
		{"builder", "building images is", buildHint},
		{"buildx", "building images is", buildHint},
		{"checkpoint", "saving the memory of processes is", "minictr pause CONTAINER; minictr unpause CONTAINER"},
		{"compose", "starting containers from a file is", "for each of them: minictr run -d --name NAME IMAGE"},
		{"config", "a cluster is", secret},
		{"context", "using another machine is", "ssh HOST minictr ps"},
		{"manifest", "changing manifest lists is", "to look at one: skopeo inspect --raw docker://NAME"},
		{"network", "a network but none and host is", "minictr run --network host IMAGE"},
		{"node", "a cluster is", cluster},
		{"plugin", "a plugin is", "minictr --help"},
		{"search", "searching registries is", "open https://hub.docker.com/search, then: minictr pull NAME"},
		{"secret", "a cluster is", secret},
		{"service", "a cluster is", cluster},
		{"stack", "a cluster is", cluster},
		{"swarm", "a cluster is", cluster},
		{"trust", "signing images is", "pull by digest: minictr pull NAME@sha256:DIGEST"},
	} {
		all = append(all, refusedCommand(c[0], c[1], c[2]))
	}
	return all
}

const buildHint = "docker build -t NAME . && docker save NAME | minictr load"

// Those that are in a group, too.
var (
	buildCommand  = refusedCommand("build", "building images is", buildHint)
	commitCommand = refusedCommand("commit", "making an image of a container in one step is",
		"minictr export CONTAINER | minictr import - NAME[:TAG]")
	volumeUpdateCommand = refusedCommand("update", "changing a volume of a cluster is",
		"minictr volume create --label NAME=VALUE VOLUME")
)

// refusedCommand returns a hidden command that refuses whatever follows.
func refusedCommand(name, what, instead string) *cli.Command {
	return &cli.Command{
		Name: name, Usage: "not implemented", ArgsUsage: "[ARGUMENT…]", Hidden: true, SkipFlagParsing: true,
		Action: func(*cli.Context) error { return hint.New(fmt.Errorf("%s: %s not implemented", name, what), instead) },
	}
}
