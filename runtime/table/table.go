package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Line is a system call, and the lines that follow it.
type Line struct {
	Number uint64   // of the call, or Difference
	Args   []uint64 // at most six

	// Accept are errors after which the program continues, at most four; AnyError is
	// all of them.
	Accept []unix.Errno

	// To is the address of 8 bytes for the result; 0 is in the line itself.
	To uint64

	// Then is the number of lines to skip after success, Zero after the result 0,
	// Else after an accepted error; -1 is this line again.
	Then, Zero, Else int
}

// Difference is not a call but the only operation of the loop: the first two
// arguments are addresses of 8 bytes and the third is a mask; the result is
// (*first - *second) & third.
const Difference = endMark - 1

// MaxErrno is the largest errno (MAX_ERRNO in the kernel).
const MaxErrno = 4095

// AnyError accepts every error.
const AnyError = unix.Errno(MaxErrno + 1)

// ExitFailed is the exit status of a program whose call failed.
const ExitFailed = 125

// Addresses and sizes, in bytes.
const (
	codeAddress = 0x400000
	dataAddress = 0x800000
	codeSize    = 320 // the loop and padding
	headOffset  = elfHeader + segments*elfSegment + codeSize
	headSize    = 4 * word

	elfHeader, elfSegment, segments = 64, 56, 3
	largestPage                     = 64 << 10

	maxArgs    = 6
	maxAccept  = 4
	endMark    = uint64(math.MaxUint64) // instead of a call's number
	notReached = uint64(1) << 63        // the result of a line that was not reached
	reportTag  = "report:\n"            // the last word of the head, with which the report begins
	word       = 8
)

// Offsets in a line, in bytes.
const (
	argsOffset   = word
	acceptOffset = argsOffset + maxArgs*word
	resultOffset = acceptOffset + maxAccept*word
	toOffset     = resultOffset + word
	thenOffset   = toOffset + word
	zeroOffset   = thenOffset + word
	elseOffset   = zeroOffset + word
	lineSize     = elseOffset + word
)

// Program is built by New, for a number of lines; then Put adds memory, and SetLine
// sets the lines.
type Program struct {
	data  []byte
	lines int
}

// loop returns the address of the loop.
func loop() unsafe.Pointer

// New begins a program with a number of lines. When it fails it writes its table to
// the descriptor report, for Results.
func New(lines int, report int) *Program {
	p := &Program{lines: lines}
	p.headers()
	p.data = append(p.data, unsafe.Slice((*byte)(loop()), codeSize)...)
	p.words(uint64(report), dataAddress+headOffset+headSize-word, uint64(word+lines*lineSize))
	p.data = append(p.data, reportTag...)
	p.data = append(p.data, make([]byte, lines*lineSize)...)
	p.words(endMark)
	return p
}

// Put adds bytes to the memory and returns their address in the process.
func (p *Program) Put(b []byte) uint64 {
	at := uint64(len(p.data))
	p.data = append(p.data, b...)
	p.data = append(p.data, make([]byte, -len(p.data)&(word-1))...)
	return dataAddress + at
}

// PutString adds a string and a NUL, and returns its address.
func (p *Program) PutString(s string) uint64 { return p.Put(append([]byte(s), 0)) }

// PutWords adds numbers of 8 bytes, and returns their address.
func (p *Program) PutWords(w ...uint64) uint64 {
	at := dataAddress + uint64(len(p.data))
	p.words(w...)
	return at
}

// PutStrings adds an argument vector as execve(2) takes it, addresses of strings and
// a zero, and returns its address.
func (p *Program) PutStrings(list []string) uint64 {
	addresses := make([]uint64, len(list)+1)
	for i, s := range list {
		addresses[i] = p.PutString(s)
	}
	return p.PutWords(addresses...)
}

// Argument returns the address of argument k of line i, for lines that set others.
func (p *Program) Argument(i, k int) uint64 {
	return uint64(dataAddress + place(i) + argsOffset + k*word)
}

// place returns the offset of line i.
func place(i int) int { return headOffset + headSize + i*lineSize }

// SetLine sets line i, counted from 0.
func (p *Program) SetLine(i int, l Line) error {
	if i >= p.lines {
		return fmt.Errorf("line %d: only %d lines", i, p.lines)
	}
	if len(l.Args) > maxArgs || len(l.Accept) > maxAccept {
		return fmt.Errorf("more than %d arguments or %d accepted errors", maxArgs, maxAccept)
	}
	here := place(i)
	to := l.To
	if to == 0 {
		to = uint64(dataAddress + here + resultOffset)
	}
	follow := func(skip int) uint64 { return uint64(dataAddress + here + (1+skip)*lineSize) }
	w := []uint64{l.Number}
	w = append(append(w, l.Args...), make([]uint64, maxArgs-len(l.Args))...)
	for k := range maxAccept {
		e := uint64(0)
		if k < len(l.Accept) {
			e = uint64(l.Accept[k])
		}
		w = append(w, e)
	}
	w = append(w, notReached, to, follow(l.Then), follow(l.Zero), follow(l.Else))
	var line Program
	line.words(w...)
	copy(p.data[here:], line.data)
	return nil
}

// File returns the program as an executable file.
func (p *Program) File() []byte {
	const sizes = elfHeader + elfSegment + 4*word // in the second segment's header
	for i := range 2 {
		binary.NativeEndian.PutUint64(p.data[sizes+i*word:], uint64(len(p.data)))
	}
	return p.data
}

// Memfd writes the program to a file in memory (memfd_create(2)), to be executed.
func (p *Program) Memfd(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // MFD_EXEC is of Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(p.File()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (p *Program) words(w ...uint64) {
	for _, w := range w {
		p.data = binary.NativeEndian.AppendUint64(p.data, w)
	}
}

// headers of the file and of its three segments: code, data, and a stack that
// is not executable. The file is mapped twice: once to be executed, once to be
// written.
func (p *Program) headers() {
	const executable, current, load, stack = 2, 1, 1, 0x6474e551
	half := func(n ...uint16) {
		for _, n := range n {
			p.data = binary.NativeEndian.AppendUint16(p.data, n)
		}
	}
	p.data = append(p.data, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	half(executable, machine, current, 0)
	p.words(codeAddress+headOffset-codeSize, elfHeader, 0)
	half(0, 0, elfHeader, elfSegment, segments, 0, 0, 0)
	segment := func(kind, flags, address, size uint64) {
		p.words(kind|flags<<32, 0, address, address, size, size, largestPage)
	}
	const execute, write, read = 1, 2, 4
	segment(load, read|execute, codeAddress, headOffset)
	segment(load, read|write, dataAddress, 0)
	segment(stack, read|write, 0, 0)
}

// Results parses the report of a program that failed: a Result for each line. A
// report that was cut off has fewer.
func Results(report []byte) (list []Result) {
	if len(report) >= word {
		report = report[word:] // the tag
	}
	for line := range slices.Chunk(report, lineSize) {
		if len(line) < lineSize {
			break
		}
		result := binary.NativeEndian.Uint64(line[resultOffset:])
		r := Result{Reached: result != notReached, Errno: unix.Errno(-result)}
		if r.Errno > MaxErrno {
			r.Errno = 0
		}
		list = append(list, r)
	}
	return list
}

// Result is the result of a line; Errno is 0 for success.
type Result struct {
	Reached bool
	Errno   unix.Errno
}
