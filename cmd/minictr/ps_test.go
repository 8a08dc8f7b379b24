package main

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestPsWhileContainersGo: containers that are created and removed meanwhile are no
// error.
func TestPsWhileContainersGo(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	stop, ended := make(chan struct{}), make(chan error)
	const others = 3
	for i := range others {
		go func() {
			name := fmt.Sprint("box", i)
			for {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				if out, err := exec.Command("sh", "-c",
					"minictr create --name "+name+" demo && minictr rm "+name).CombinedOutput(); err != nil {
					ended <- fmt.Errorf("%w: %s", err, out)
					return
				}
			}
		}()
	}
	for _, words := range [][]string{{"ps", "-a", "-s"}, {"container", "prune", "-f", "--filter", "label=none"}} {
		for range 25 {
			said(t, words...)
		}
	}
	close(stop)
	for range others {
		testkit.Check(t, <-ended)
	}
}
