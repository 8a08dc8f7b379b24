// Minictr runs containers and shows the system calls that make them.
//
// This package parses arguments and prints: one file a command, named after it. The
// work is done in other packages, which its imports name: images (what is run),
// container and the packages below it (how it is run), runtime (how a process becomes a
// container).
//
// To read: main.go (the list of commands), exit.go (errors and exit codes), run.go and
// flags.go (run, from its flags to its exit code), explain.go (run --explain), step.go (run --step), plan.go;
// then any command. internal/help checks the arguments of all commands and prints --help.
// Shared by several commands: interrupt.go (Ctrl-C), each.go (a list of containers), format.go and output.go
// (tables, templates, JSON), pull_first.go (--pull of run and create), image_args.go
// (IMAGE@N:/path), layers_subject.go, layers_file.go.
package main
