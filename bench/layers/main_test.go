package main

import (
	"testing"

	"github.com/google/pprof/profile"
)

// stack returns a sample in functions, the innermost first.
func stack(names ...string) *profile.Sample {
	s := &profile.Sample{Value: []int64{1}}
	for _, name := range names {
		s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
	}
	return s
}

func TestLayer(t *testing.T) {
	const conn = module + "/internal/conn."
	for want, s := range map[string]*profile.Sample{
		"kernel: write": stack("internal/runtime/syscall/linux.Syscall6", "syscall.RawSyscall",
			conn+"(*epoll).Write", conn+"(*loop).send"),
		"kernel: epoll_pwait":              stack("internal/runtime/syscall/linux.Syscall6", conn+"(*epoll).poll"),
		"package internal/conn":            stack("internal/sync.(*Mutex).Lock", conn+"(*loop).serve"),
		"package internal/worker":          stack(module + "/internal/worker.(*Pool[go.shape.struct { " + conn + "c }]).Go"),
		"package socketio":                 stack(module + ".(*Socket).Emit"),
		"runtime: allocation":              stack("runtime.memclr", "runtime.mallocgc", module+"/internal/hub.newEvent"),
		"runtime: garbage collection":      stack("runtime.scanobject", "runtime.gcBgMarkWorker"),
		"net/http":                         stack("runtime.mallocgc", "net/http.(*conn).serve"),
		"runtime: scheduling and the rest": stack("runtime.findRunnable", "runtime.schedule"),
	} {
		if got := layer(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
