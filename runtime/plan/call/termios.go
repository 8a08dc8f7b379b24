package call

import (
	"encoding/binary"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// plainTermios are the settings of a new terminal, but for ONLCR (termios(3)).
var plainTermios = unix.Termios{
	Iflag: unix.ICRNL | unix.IXON,
	Oflag: unix.OPOST,
	Cflag: unix.B38400 | unix.CS8 | unix.CREAD,
	Lflag: unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE | unix.IEXTEN,
	Cc: [19]uint8{
		unix.VINTR: control('C'), unix.VQUIT: control('\\'), unix.VERASE: 0x7f, unix.VKILL: control('U'),
		unix.VEOF: control('D'), unix.VMIN: 1, unix.VSTART: control('Q'), unix.VSTOP: control('S'),
		unix.VSUSP: control('Z'), unix.VREPRINT: control('R'), unix.VDISCARD: control('O'),
		unix.VWERASE: control('W'), unix.VLNEXT: control('V'),
	},
}

// control returns the character of Ctrl and a key.
func control(key uint8) uint8 { return key & 0x1f }

// TcsetsPlain makes a new terminal write a newline as it is, without a carriage return.
func TcsetsPlain(terminal plan.Ref) plan.Step {
	m := &plan.Mem{Text: "{c_iflag=ICRNL|IXON, c_oflag=OPOST, …}"}
	m.Bytes, _ = binary.Append(nil, binary.NativeEndian, plainTermios) // a struct of fixed size: no error
	return ioctl(terminal, "TCSETS", unix.TCSETS, m)
}
