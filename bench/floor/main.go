// Command floor is the yardstick: servers that move the bytes a Socket.IO
// server would move, and do nothing else. There are no sessions, no parsing
// beyond a prefix, no timers and no limits in it, so what a Socket.IO server
// costs above it is what Socket.IO costs.
//
// WebSockets are served by gws as a competent user of it would; long polling
// by plain net/http.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/sockeye-io/socketio/bench/app"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	flag.Parse()

	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	go func() { log.Fatal(http.Serve(l, newHandler())) }()

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// newHandler routes the URLs of both protocols.
func newHandler() http.Handler {
	sockets := newSockets()
	polls := newPolls()
	mux := http.NewServeMux()
	upgrade := sockets.upgrade(&app.Revision5)
	mux.HandleFunc("/socket.io/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(w, r)
			return
		}
		polls.current(w, r)
	})
	// A revision 1 session takes up nothing before it is opened: revision-1.md
	// §4.1 and §8.2.
	var handshakes atomic.Int64
	mux.HandleFunc("/socket.io/1/", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = contentType
		fmt.Fprintf(w, "%s:60:60:websocket,htmlfile,xhr-polling,jsonp-polling", sessionID(handshakes.Add(1)))
	})
	mux.HandleFunc("/socket.io/1/websocket/", sockets.upgrade(&app.Revision1))
	mux.HandleFunc(oldPollPath, polls.old)
	return mux
}

// sessionID makes the n-th session's id.
func sessionID(n int64) string {
	return fmt.Sprintf("%s%06d", app.FixedID[:14], n)
}
