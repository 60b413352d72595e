// Readme is the program that README.md begins with.
package main

import (
	"log"
	"net/http"

	"github.com/sockeye-io/socketio"
)

func main() {
	srv := socketio.NewServer(nil)
	socketio.On(srv, "chat", func(s *socketio.Socket, text string) {
		s.Broadcast().Emit("chat", text) // to everybody else, whatever client they have
	})
	http.Handle("/socket.io/", srv)
	log.Fatal(http.ListenAndServe(":3000", nil))
}
