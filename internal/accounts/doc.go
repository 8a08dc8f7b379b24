// Package accounts reads /etc/passwd and /etc/group of a root filesystem (passwd(5),
// group(5)). Their author, that of the image or a program in the container, is not trusted:
//
//   - No path leads out of the root, and to open a file never blocks (files.go).
//   - The files must be regular and small (accounts.go).
//   - A number has 32 bits and is not 4294967295, which setresuid(2) reads as "leave
//     unchanged". A line with another number is ignored.
package accounts
