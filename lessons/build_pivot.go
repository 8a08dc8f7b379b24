package lessons

// checkPivotRoot: in the mount namespace of the process its root is the only mount, and the
// escape of lesson 2 stays inside.
func checkPivotRoot(w *Work) error {
	root, err := w.Root()
	if err != nil {
		return err
	}
	p, err := w.Start(root, "/bin/sh")
	if err != nil {
		return err
	}
	if err := wantOwn(p, "mount", "CLONE_NEWNS"); err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}
	switch n := len(v.Mounts); {
	case n > 1:
		return missing("pivot_root(2), NOTES: what becomes of the old root?",
			"the old root is still there: the shell sees %d mounts, not one", n)
	case n == 0:
		return missing("chroot(2) detaches nothing: another call exchanges the roots",
			"the root of the shell is a directory, not a mount")
	}
	if _, err := p.End(); err != nil {
		return err
	}

	// the escape
	if p, err = w.Start("-escape", root, "/bin/sh"); err != nil {
		return err
	}
	inside, err := sameFile(p.file("root"), root)
	if err == nil && !inside {
		err = missing("pivot_root(2), NOTES: what becomes of the old root?",
			"the escape of lesson 2 leads out of the root")
	}
	return err
}

// wantOwn returns an error if the process is in the program's namespace of a type.
func wantOwn(p *Program, kind, flag string) error {
	shared, err := p.Shares(kind)
	if err == nil && shared {
		err = missing("clone3(2): the flags, "+flag, "the shell is not in a %s namespace of its own", kind)
	}
	return err
}
