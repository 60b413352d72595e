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

// waited returns how long the threads of a process stood ready in a run queue,
// or 0 where the kernel does not say. Its own threads take turns on one core,
// so some of it is the server's own doing; much of it means that something
// else ran on that core.
func waited(pid int) time.Duration {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum time.Duration
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		if f := bytes.Fields(text); len(f) > 1 {
			ns, _ := strconv.ParseInt(string(f[1]), 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
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

// Pin binds this process, all its threads and those to come, to one core.
func Pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	// Twice: a thread may have been started by one not yet bound.
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
			if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("binding to core %d: %w", core, err)
			}
		}
	}
	return nil
}
