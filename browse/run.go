package browse

import (
	"context"
	"errors"
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/minictr/minictr/hint"
	"github.com/moby/term"
)

// CheckTerminal returns an error unless standard input and output are a terminal that can
// move its cursor. Image is that which is to be browsed.
func CheckTerminal(image string) error {
	advice := "minictr layers tree " + image
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return hint.New(errors.New("layers browse: standard input and output are not a terminal"), advice)
	}
	if name := os.Getenv("TERM"); name == "" || name == "dumb" {
		return hint.New(fmt.Errorf("layers browse: TERM=%q: a terminal that cannot move its cursor", name), advice)
	}
	return nil
}

// Run shows an image in the terminal until the user quits.
func Run(ctx context.Context, image *Image) error {
	_, err := tea.NewProgram(New(image), tea.WithContext(ctx)).Run()
	if errors.Is(err, tea.ErrInterrupted) { // by SIGINT
		return nil
	}
	return err
}
