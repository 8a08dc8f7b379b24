package lessons

// checkProcess: the program starts another one in a child, waits for it, and returns its
// exit status.
func checkProcess(w *Work) error {
	p, err := w.Start("/bin/sh")
	if err != nil {
		return err
	}
	shared, err := p.Shares("pid")
	if err != nil {
		return err
	}
	if !shared {
		return missing("no namespace is asked for yet", "the process is in a pid namespace of its own")
	}
	if _, err := p.End(); err != nil {
		return err
	}
	_, status, err := w.Run("/bin/sh", "-c", "exit 7")
	if err == nil && status != 7 {
		err = missing("the first argument of the program is the program to execute",
			"run /bin/sh -c 'exit 7': exit status %d, not 7", status)
	}
	return err
}
