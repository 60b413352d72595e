// Command shake writes an overlay ("go help build", -overlay) with which goroutines run
// in orders that are rare otherwise. Who sends, closes a channel, unlocks or made a system
// call, and so may have woken somebody, often stands back then, for a moment or for
// milliseconds; who was woken or started is not always next.
//
//	go run ./shake ../bin/shake
//	SHAKE=2 go test -overlay ../bin/shake/overlay.json ../...
//
// SHAKE is the way, 1 (the default) to 4: often and briefly; seldom and for long; always
// and hardly; very seldom and very long. The files of Go's own library that it replaces
// are copies with single lines changed: a Go release that has other lines is refused.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed hook.go.txt
var hook string

// An edit replaces old, which is in the file once.
type edit struct{ file, old, new string }

const linkname = "//go:linkname shake runtime.shake\nfunc shake()\n\n"

var edits = []edit{
	{"runtime/proc.go", "	close(main_init_done)\n", "	close(main_init_done)\n	startShaking()\n"},
	{"runtime/proc.go", "runqput(mp.p.ptr(), gp, next)\n	wakep()", "runqput(mp.p.ptr(), gp, shakeNext(next))\n	wakep()"},
	{"runtime/proc.go", "runqput(pp, newg, true)\n", "runqput(pp, newg, shakeNext(true))\n"},
	{"runtime/chan.go", "	chansend(c, elem, true, sys.GetCallerPC())\n", "	chansend(c, elem, true, sys.GetCallerPC())\n	shake()\n"},
	{"runtime/chan.go", "	return chansend(c, elem, false, sys.GetCallerPC())\n",
		"	sent := chansend(c, elem, false, sys.GetCallerPC())\n	shake()\n	return sent\n"},
	{"runtime/chan.go", "		gp.schedlink = 0\n		goready(gp, 3)\n	}\n", "		gp.schedlink = 0\n		goready(gp, 3)\n	}\n	shake()\n"},
	{"runtime/select.go", "func selectgo(cas0 *scase, order0 *uint16, pc0 *uintptr, nsends, nrecvs int, block bool) (int, bool) {\n",
		`func selectgo(cas0 *scase, order0 *uint16, pc0 *uintptr, nsends, nrecvs int, block bool) (int, bool) {
	i, ok := doSelect(cas0, order0, pc0, nsends, nrecvs, block)
	shake()
	return i, ok
}

func doSelect(cas0 *scase, order0 *uint16, pc0 *uintptr, nsends, nrecvs int, block bool) (int, bool) {
`},
	{"internal/sync/mutex.go", "		m.unlockSlow(new)\n	}\n", "		m.unlockSlow(new)\n	}\n	shake()\n"},
	{"internal/sync/mutex.go", "func (m *Mutex) unlockSlow(", linkname + "func (m *Mutex) unlockSlow("},
	{"syscall/syscall_linux.go", "RawSyscall6(trap, a1, a2, a3, 0, 0, 0)\n	runtime_exitsyscall()\n",
		"RawSyscall6(trap, a1, a2, a3, 0, 0, 0)\n	runtime_exitsyscall()\n	shake()\n"},
	{"syscall/syscall_linux.go", "RawSyscall6(trap, a1, a2, a3, a4, a5, a6)\n	runtime_exitsyscall()\n",
		"RawSyscall6(trap, a1, a2, a3, a4, a5, a6)\n	runtime_exitsyscall()\n	shake()\n"},
	{"syscall/syscall_linux.go", "func rawSyscallNoError(", linkname + "func rawSyscallNoError("},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: shake DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "shake:", err)
		os.Exit(1)
	}
}

// write writes the changed files and overlay.json into dir.
func write(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	src := filepath.Join(build.Default.GOROOT, "src")
	texts := map[string]string{"runtime/shake.go": hook}
	for _, e := range edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(src, e.file))
			if err != nil {
				return err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return fmt.Errorf("%s of %s has these lines %d times:\n%s", e.file, runtime.Version(), n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for file, text := range texts {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_")+".txt") // "./..." has no package here
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			return err
		}
		overlay.Replace[filepath.Join(src, file)] = to
	}
	b, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), b, 0o644)
}
