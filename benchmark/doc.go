// Package benchmark compares containers with virtual machines: how long until
// the same small program answers, how much memory and disk it takes to keep it
// running, and how fast it works inside.
//
// Whatever runs that program, the workload, is a Target: a plain process, a
// container engine, a virtual machine. The rules that make them comparable:
//
//   - A start begins with the command that a person would type and ends with
//     the first byte of the workload's answer. It consists of phases, one after
//     the other, without a gap: their sum is the duration of the start.
//   - What a person does once (downloads, loading an image, making a box) is
//     Prepare, and is not counted.
//   - The memory of a target is that of all processes that the workload depends
//     on: emulators, monitors, shims, daemons.
//
// Reading order: target.go (what is measured), report.go (the result), then
// measure.go, starts.go and running.go (how), with statistics.go. The helpers
// are answer.go, command.go, size.go and system.go. The targets are
// in engine and machine, tables and pictures in report, the program in
// workload, and the command in bench.
package benchmark
