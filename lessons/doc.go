// Package lessons teaches containers: a list of lessons, their texts, their exercises, and
// checks of what a student has made.
//
// A lesson is a directory, build/NN-name or understand/NN-name, a line of the table in
// lessons.go, and a function that checks: build_NAME.go or understand_NAME.go. In the track
// Build the student completes a Go program; ours is in solution, the one with a hole in
// exercise, and wrong has what differs in typical wrong answers, as diff -u prints it. In the
// track Understand the student types commands; ours are in solution.sh, wrong ones in wrong-*.sh.
//
// A check asks the kernel: it looks at processes, mounts and cgroups, never at what minictr
// has recorded. What it does not find it reports as [*Missing], with a hint that does not
// give the answer away.
//
// To read: lessons.go (the list), lesson.go, student.go (who types the command), pager.go;
// start.go, module.go and image.go (what an exercise consists of); check.go, missing.go,
// progress.go; work.go, scratch.go, program.go, processes.go and container.go (the tools of a
// check); then any lesson.
package lessons
