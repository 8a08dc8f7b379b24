package logs_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/container/logs"
)

func ExampleCopy() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	w, err := logs.OpenWriter(dir, logs.Maximum)
	if err != nil {
		panic(err)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w.Write(logs.Stdout, noon, []byte("listening on port 80\nGET /"))
	w.Write(logs.Stderr, noon.Add(time.Second), []byte("no such file: /\n"))
	w.Write(logs.Stdout, noon.Add(2*time.Second), []byte(" 404\n"))
	w.Close()

	o := logs.Options{Tail: 2, Timestamps: true}
	fmt.Println("what it has said:")
	logs.Copy(context.Background(), dir, o, nil, os.Stdout, nil)
	fmt.Println("and complained of:")
	logs.Copy(context.Background(), dir, o, nil, nil, os.Stdout)
	// Output:
	// what it has said:
	// 2026-03-01T12:00:00.000000000Z listening on port 80
	// 2026-03-01T12:00:00.000000000Z GET / 404
	// and complained of:
	// 2026-03-01T12:00:01.000000000Z no such file: /
}
