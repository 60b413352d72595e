package load

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU time, user and system, that all threads of a process
// have used so far, in nanoseconds: the CPU clock of the process, the same
// count as utime+stime of /proc/PID/stat without its rounding to 10 ms.
func CPU(pid int) (time.Duration, error) {
	// A process's clock id is ~pid<<3 | 2: clock_getcpuclockid(3), and
	// CPUCLOCK_SCHED in linux/posix-timers.h.
	id := ^int32(pid)<<3 | 2
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// RSS returns the resident bytes of a process.
func RSS(pid int) (int64, error) {
	// smaps_rollup walks the page tables; VmRSS is a sum of counters that
	// threads update in batches.
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := bytes.CutPrefix(s.Bytes(), []byte("Rss:")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d: no Rss in smaps_rollup", pid)
}

// machine returns the time that all cores together have been busy so far, in
// steps of 10 ms, or 0 where the kernel does not say.
func machine() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	// cpu user nice system idle iowait irq softirq steal …: proc(5).
	var ticks int64
	for i, f := range bytes.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		n, _ := strconv.ParseInt(string(f), 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// Pin binds this process, all its threads and those to come, to one core.
func Pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	return eachThread(func(tid int) error { return unix.SchedSetaffinity(tid, &set) })
}

// Nice sets the priority of this process, its threads and children to come.
// Where the kernel shares cores out among sessions first, sched(7) on
// autogroups, that of the session is set too; undo sets it back.
func Nice(n int) (undo func(), err error) {
	const autogroup = "/proc/self/autogroup"
	undo = func() {}
	err = eachThread(func(tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, n) })
	if err != nil {
		return undo, err
	}
	// "/autogroup-6 nice 0"
	before, err := os.ReadFile(autogroup)
	if err != nil {
		return undo, nil
	}
	f := bytes.Fields(before)
	undo = func() { os.WriteFile(autogroup, f[len(f)-1], 0) }
	return undo, os.WriteFile(autogroup, []byte(strconv.Itoa(n)), 0)
}

func eachThread(f func(tid int) error) error {
	// Twice: a thread may have been started by one not yet treated.
	for range 2 {
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil {
			return err
		}
		for _, name := range tasks {
			tid, err := strconv.Atoi(filepath.Base(name))
			if err != nil {
				continue
			}
			if err := f(tid); err != nil && err != unix.ESRCH {
				return fmt.Errorf("thread %d: %w", tid, err)
			}
		}
	}
	return nil
}
