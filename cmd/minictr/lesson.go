package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/lessons"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var lessonCommand = &cli.Command{
	Name:      "lesson",
	Usage:     "learn what a container is: texts, exercises, and their checks",
	ArgsUsage: "[NUMBER]\nCOMMAND",
	Description: `Without a number, list the lessons and what is done. With one, show the text of
the lesson, in $PAGER.`,
	Subcommands: []*cli.Command{lessonStartCommand, lessonCheckCommand, lessonSolveCommand},
	Action:      showLesson,
}

var lessonStartCommand = &cli.Command{
	Name:        "start",
	Usage:       "lay out the exercise of a lesson",
	ArgsUsage:   "NUMBER [DIR]",
	Description: "DIR is lesson-NUMBER if it is left out. Files that exist are kept.",
	Action:      startLesson,
}

var lessonCheckCommand = &cli.Command{
	Name:      "check",
	Usage:     "check what you have made of the exercise, and say what is missing",
	ArgsUsage: "NUMBER [DIR]",
	Description: `DIR is lesson-NUMBER, or the working directory if that does not exist. The check
looks at processes, mounts and cgroups. It runs a Go program in a mount
namespace of its own, and ends what the program leaves. The exit status is 1 if
something is missing.`,
	Action: checkLesson,
}

var lessonSolveCommand = &cli.Command{
	Name:      "solve",
	Usage:     "print our answer to the exercise of a lesson",
	ArgsUsage: "NUMBER",
	Action: func(c *cli.Context) error {
		l, err := lessonArgument(c)
		if err == nil {
			_, err = os.Stdout.WriteString(l.Solution())
		}
		return err
	},
}

// showLesson lists the lessons, or shows the text of one.
func showLesson(c *cli.Context) error {
	if c.NArg() > 1 {
		return hint.New(fmt.Errorf("lesson: unexpected argument %q", c.Args().Get(1)), "minictr lesson --help")
	}
	s, err := lessons.CurrentStudent()
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return listLessons(s)
	}
	l, err := lessonArgument(c)
	if err != nil {
		return err
	}
	if stdio.IsTerminal(os.Stdout) {
		return s.Page(l.Text())
	}
	_, err = os.Stdout.WriteString(l.Text())
	return err
}

// listLessons prints the lessons by track, and which of them are done.
func listLessons(s *lessons.Student) error {
	p, err := s.Progress()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	var track lessons.Track
	for _, l := range lessons.All() {
		if l.Track != track {
			if track != "" {
				fmt.Fprintln(w)
			}
			track = l.Track
			fmt.Fprintf(w, "%s\n", track.Title())
		}
		done := ""
		if slices.Contains(p.Done, l.Number) {
			done = "done"
		}
		fmt.Fprintf(w, "%4s\t%2d\t%s\t%s\n", done, l.Number, l.Title, l.Adds)
	}
	fmt.Fprintf(w, "\n%d of %d done\n", len(p.Done), len(lessons.All()))
	if err := w.Flush(); err != nil {
		return err
	}
	return tellNext(s)
}

// tellNext prints the command that shows the first lesson that is not done.
func tellNext(s *lessons.Student) error {
	p, err := s.Progress()
	if l := p.Next(); err == nil && l != nil {
		fmt.Fprintf(os.Stderr, "hint: minictr lesson %d\n", l.Number)
	}
	return err
}

// lessonArgument returns the lesson whose number is the first argument.
func lessonArgument(c *cli.Context) (*lessons.Lesson, error) {
	word := c.Args().First()
	n, err := strconv.Atoi(word)
	if err != nil {
		return nil, hint.New(fmt.Errorf("lesson %q: neither a number nor a command", word), "minictr lesson --help")
	}
	return lessons.ByNumber(n)
}

func startLesson(c *cli.Context) error {
	l, err := lessonArgument(c)
	if err != nil {
		return err
	}
	s, err := lessons.CurrentStudent()
	if err != nil {
		return err
	}
	dir := c.Args().Get(1)
	if dir == "" {
		dir = l.DefaultDir()
	}
	names, err := l.Start(s, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Println(filepath.Join(dir, name))
	}
	fmt.Fprintf(os.Stderr, "hint: minictr lesson %d; sudo minictr lesson check %[1]d\n", l.Number)
	return nil
}

func checkLesson(c *cli.Context) error {
	l, err := lessonArgument(c)
	if err != nil {
		return err
	}
	s, err := lessons.CurrentStudent()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	notes, err := l.Check(s, lessonDir(c, l), self, "--root", c.String("root"))
	if missing := (*lessons.Missing)(nil); errors.As(err, &missing) {
		tell(err)
		return status(1)
	}
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Println("not checked:", note)
	}
	fmt.Printf("lesson %d, %s: done\n", l.Number, l.Title)
	return tellNext(s)
}

// lessonDir returns the directory of an exercise: that of the command line, the one where
// start has laid it out, or the working directory.
func lessonDir(c *cli.Context, l *lessons.Lesson) string {
	if dir := c.Args().Get(1); dir != "" {
		return dir
	}
	if info, err := os.Stat(l.DefaultDir()); err == nil && info.IsDir() {
		return l.DefaultDir()
	}
	return "."
}
