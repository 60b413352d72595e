// Command gnet is what bench/floor is, built on gnet: its event loop and
// buffers, with the handshake and the frames of gobwas/ws, since gnet has no
// HTTP.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"github.com/sockeye-io/socketio/bench/app"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	flag.Parse()

	go func() {
		// One loop, as one core is what the benchmark gives. So everything in
		// server runs on one goroutine and needs no lock, which several loops
		// would need.
		s := &server{dialect: &app.Revision5, rooms: make(map[string][]*client), clients: make(map[*client]bool)}
		log.Fatal(gnet.Run(s, "tcp://"+*addr, gnet.WithNumEventLoop(1), gnet.WithLogger(errorLog{})))
	}()

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// OnBoot prints where the server listens, which only the descriptor knows when
// the port was left to the kernel.
func (s *server) OnBoot(e gnet.Engine) gnet.Action {
	fd, err := e.Dup()
	if err != nil {
		log.Fatal(err)
	}
	defer unix.Close(fd)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		log.Fatal(err)
	}
	a, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		log.Fatalf("listening on %T, not an IPv4 address", sa)
	}
	fmt.Printf("listening on http://%s\n", netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)))
	return gnet.None
}

// errorLog is gnet's log, errors only and on standard error; by itself it
// writes to standard output.
type errorLog struct{}

func (errorLog) Debugf(string, ...any)             {}
func (errorLog) Infof(string, ...any)              {}
func (errorLog) Warnf(string, ...any)              {}
func (errorLog) Errorf(format string, args ...any) { log.Printf(format, args...) }
func (errorLog) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
