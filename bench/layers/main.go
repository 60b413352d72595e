// Layers reads CPU profiles of a Go server and prints what each layer took: the kernel
// by system call, the runtime, and each package of this repository. A sample counts for
// the innermost layer that it is in.
//
//	go run ./layers cpu.prof …
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

const module = "github.com/sockeye-io/socketio"

func main() {
	log.SetFlags(0)
	total, sums := int64(0), make(map[string]int64)
	for _, name := range os.Args[1:] {
		p, err := read(name)
		if err != nil {
			log.Fatalf("layers: %v", err)
		}
		for _, s := range p.Sample {
			n := s.Value[len(s.Value)-1]
			total += n
			sums[layer(s)] += n
		}
	}
	if total == 0 {
		log.Fatal("layers: no samples; usage: layers cpu.prof …")
	}
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })
	fmt.Println("| layer | % |\n| --- | --: |")
	for _, name := range names {
		fmt.Printf("| %s | %.1f |\n", name, 100*float64(sums[name])/float64(total))
	}
}

func read(name string) (*profile.Profile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

// layer returns the layer of a sample: of its stack, the innermost function decides
// that belongs to one.
func layer(s *profile.Sample) string {
	kernel, allocates := false, false
	for _, l := range s.Location { // from the innermost outwards
		for _, line := range l.Line {
			name := line.Function.Name
			switch {
			case strings.Contains(name, "Syscall6"), name == "runtime.futex", name == "runtime.epollwait":
				kernel = true
			case name == "runtime.mallocgc", name == "runtime.growslice":
				allocates = true
			case isCollector(name):
				return "runtime: garbage collection"
			}
			switch {
			case kernel && isCall(name):
				return "kernel: " + call(name)
			case strings.HasPrefix(name, module) && !kernel:
				if allocates {
					return "runtime: allocation"
				}
				return packageOf(name)
			case strings.HasPrefix(name, "net/http."):
				return "net/http"
			}
		}
	}
	if kernel {
		return "kernel: other"
	}
	return "runtime: scheduling and the rest"
}

func isCollector(name string) bool {
	for _, f := range []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart"} {
		if name == f {
			return true
		}
	}
	return false
}

// calls are the functions that make system calls, and what is called.
var calls = []struct{ suffix, call string }{
	{"(*epoll).Write", "write"}, {"(*epoll).Read", "read"}, {"(*epoll).poll", "epoll_pwait"},
	{"(*epoll).control", "epoll_ctl"}, {"(*epoll).Close", "close"},
	{"poll.(*FD).Write", "write"}, {"poll.(*FD).Read", "read"}, {"poll.(*FD).Accept", "accept"},
	{"runtime.netpoll", "epoll_pwait"}, {"runtime.futexwakeup", "futex"}, {"runtime.futexsleep", "futex"},
}

func isCall(name string) bool { return call(name) != "" }

func call(name string) string {
	for _, c := range calls {
		if strings.HasSuffix(name, c.suffix) {
			return c.call
		}
	}
	return ""
}

// packageOf returns the package of a function of this repository.
func packageOf(name string) string {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, module), "[") // type arguments may be long
	last := strings.LastIndexByte(name, '/')
	if i := strings.IndexByte(name[last+1:], '.'); i >= 0 {
		name = name[:last+1+i]
	}
	name = strings.TrimPrefix(name, "/")
	if name == "" {
		return "package socketio"
	}
	return "package " + name
}
