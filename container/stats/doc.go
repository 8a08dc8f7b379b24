// Package stats reads what a container uses, as the kernel counts it in the files of its
// cgroup (Documentation/admin-guide/cgroup-v2.rst). It knows cgroups, not containers.
//
// Most numbers are what is used now. CPU time only grows, so a CPU share is the difference
// of two samples over the time between them; 100 percent is one processor. Pressure is the
// share of the last ten seconds in which some, or all, processes waited for a resource
// (Documentation/accounting/psi.rst).
//
// A number that the kernel does not count, because the cgroup has not the controller, is
// nil, which is not 0.
package stats
