// Minictr-oci is an OCI runtime: the command line of runc, which podman, docker and
// containerd call. It creates containers from bundles (runtime-spec, bundle.md) and
// knows nothing of images.
//
// This package parses arguments and prints: one file a command, named after it. The
// work is done in package runtime. Names, flags, the shape of JSON and the errors that
// engines look for are runc's.
//
// To read: main.go (the list of commands), container.go (their CONTAINER-ID), run.go with
// bundle.go (run and create), log.go (what engines read); then any command. internal/help
// checks the arguments of all commands and prints --help.
package main
