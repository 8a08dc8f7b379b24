// Package inspect reads containers and changes nothing: ps, inspect, stats, top, diff,
// logs, info, system df, and the filters that ps and prune choose by.
//
// A container may change, or be removed, while it is read. So no function takes the
// lock of a container: each answer is true of one moment, and a container that has been
// removed meanwhile is left out or is container.ErrNotExist. Names, units and formats
// are docker's where docker has them; what a container is made of comes from its config
// and settings, its status from the kernel, each time.
//
// Reading order: list.go and summary.go (ps), filter.go; inspect.go with hostconfig.go,
// absent.go and mountpoints.go; size.go, usage.go, info.go; kernel.go; stats.go, top.go;
// diff.go; logs.go; volumes.go.
package inspect
