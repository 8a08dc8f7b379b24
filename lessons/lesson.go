package lessons

import (
	"embed"
	"fmt"
	"path"
)

// Track is a course: a sequence of lessons.
type Track string

const (
	Build      Track = "build"      // Go programs, each of which adds one thing to the last
	Understand Track = "understand" // commands, along the questions that are asked
)

// Title is the track's name for readers.
func (t Track) Title() string {
	return map[Track]string{
		Build:      "Build a container: a Go program that grows",
		Understand: "Understand containers: commands",
	}[t]
}

// Lesson is one lesson.
type Lesson struct {
	Number int
	Track  Track
	Name   string // of its directory, behind the number
	Title  string
	Adds   string // what it adds to the lesson before it
	check  func(*Work) error
}

//go:embed build/*/README.md build/*/exercise/main.go build/*/solution/main.go
//go:embed understand/*/README.md understand/*/solution.sh
var files embed.FS

// Text returns what the student reads, in Markdown.
func (l *Lesson) Text() string { return l.file("README.md") }

// Solution returns our answer: a Go program, or a script of commands.
func (l *Lesson) Solution() string {
	if l.Track == Build {
		return l.file("solution/main.go")
	}
	return l.file("solution.sh")
}

// DefaultDir is where the exercise of a lesson is laid out.
func (l *Lesson) DefaultDir() string { return fmt.Sprintf("lesson-%02d", l.Number) }

func (l *Lesson) dir() string {
	return path.Join(string(l.Track), fmt.Sprintf("%02d-%s", l.Number, l.Name))
}

// file returns an embedded file of the lesson. A test reads all of them.
func (l *Lesson) file(name string) string {
	text, err := files.ReadFile(path.Join(l.dir(), name))
	if err != nil {
		panic(err)
	}
	return string(text)
}
