package call

import (
	"encoding/binary"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// UnixSocket makes a stream socket that stays open at execve(2).
func UnixSocket() plan.Step {
	return plan.Syscall("socket", unix.SYS_SOCKET, plan.Named(unix.AF_UNIX, "AF_UNIX"),
		plan.Named(unix.SOCK_STREAM, "SOCK_STREAM"), plan.Int(0))
}

// BindAbstract gives a socket a name that is in no directory (unix(7), "Abstract sockets").
func BindAbstract(socket plan.Ref, name string) plan.Step {
	m := &plan.Mem{Text: fmt.Sprintf("{sa_family=AF_UNIX, sun_path=@%q}", name)}
	m.Bytes = binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX)
	m.Bytes = append(append(m.Bytes, 0), name...)
	return plan.Syscall("bind", unix.SYS_BIND, socket, m, plan.Int(len(m.Bytes)))
}

// Listen makes a socket accept connections.
func Listen(socket plan.Ref) plan.Step {
	return plan.Syscall("listen", unix.SYS_LISTEN, socket, plan.Int(1))
}

// Shmget makes a segment of shared memory, of size bytes (shmget(2)).
func Shmget(key, size int) plan.Step {
	return plan.Syscall("shmget", unix.SYS_SHMGET, plan.Named(key, fmt.Sprintf("%#x", key)), plan.Int(size),
		plan.Named(unix.IPC_CREAT|0o666, "IPC_CREAT|0666"))
}
