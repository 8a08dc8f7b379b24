package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
)

// Errors are printed on standard error and written to the file of --log, which engines
// read. Warnings go to the file alone, if there is one: standard error of create and
// exec is the container's, too. The file has one of the two formats of runc's library,
// logrus:
//
//	{"level":"error","msg":"kill: container not running","time":"2026-11-23T14:00:00Z"}
//	time="2026-11-23T14:00:00Z" level=error msg="kill: container not running"
//
// docker run and podman run print the message of the last error. So the message
// contains the hint.

var log journal

type journal struct {
	file    *os.File // nil: there is none
	json    bool
	verbose bool
}

func (j *journal) open(name, format string, verbose bool) (err error) {
	if format != "text" && format != "json" && format != "" {
		return fmt.Errorf("invalid log-format: %s", format)
	}
	j.json, j.verbose = format == "json", verbose
	if name != "" {
		j.file, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	}
	return err
}

// write writes a message to the file, if there is one.
func (j *journal) write(level, msg string) {
	if j.file != nil {
		j.writeTo(j.file, level, msg)
	}
}

func (j *journal) writeTo(w io.Writer, level, msg string) {
	now := time.Now().Format(time.RFC3339)
	if !j.json {
		fmt.Fprintf(w, "time=%q level=%s msg=%q\n", now, level, msg)
		return
	}
	line, err := json.Marshal(struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Time  string `json:"time"`
	}{level, msg, now})
	if err != nil { // bytes that are not UTF-8
		j.writeTo(w, level, strconv.QuoteToASCII(msg))
		return
	}
	w.Write(append(printable.JSON(line), '\n'))
}

// debug writes a message in the format of the log if --debug is set: to the file, or to
// standard error if there is none.
func (j *journal) debug(format string, args ...any) {
	if !j.verbose {
		return
	}
	to := os.Stderr
	if j.file != nil {
		to = j.file
	}
	j.writeTo(to, "debug", fmt.Sprintf(format, args...))
}

// warn reports an error that does not end the command.
func warn(err error) {
	if log.file == nil {
		tell("warning", err)
		return
	}
	log.write("warning", advised(err))
}

// fail reports an error and exits.
func fail(err error) {
	tell("error", err)
	os.Exit(1)
}

func tell(level string, err error) {
	fmt.Fprintln(os.Stderr, "minictr-oci: "+printable.String(err.Error()))
	if h := hint.Of(err); h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+printable.String(h))
	}
	log.write(level, advised(err))
}

// advised returns the text of an error with its hint.
func advised(err error) string {
	if h := hint.Of(err); h != "" {
		return err.Error() + " (hint: " + h + ")"
	}
	return err.Error()
}
