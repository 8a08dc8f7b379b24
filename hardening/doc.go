// Package hardening attacks containers, and looks at what became of the host.
package hardening
