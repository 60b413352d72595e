// Tour shows the package from an event to who may come in.
package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"io/fs"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/sockeye-io/socketio"
)

func main() {
	// clients/4.8.4/socket.io.js and so on: what the npm package socket.io-client has
	// in its dist directory. Pages load it from /socket.io/socket.io.js.
	srv := newServer(os.DirFS("clients"))
	http.Handle("/socket.io/", srv)
	log.Fatal(http.ListenAndServe(":3000", nil))
}

func newServer(clients fs.FS) *socketio.Server {
	srv := socketio.NewServer(&socketio.Options{
		Origins: []string{"https://example.com"}, // whose pages may connect, beside those of this server
		Client:  clients,
	})
	srv.Use(func(ctx context.Context, s *socketio.Socket) error { // may it join?
		var auth struct{ Token string }
		_ = s.Auth().Scan(&auth)                                      // io({ auth: { token: … } })
		token := cmp.Or(auth.Token, s.Handshake().Query.Get("token")) // 0.9 clients have only the query
		if subtle.ConstantTimeCompare([]byte(token), []byte("swordfish")) != 1 {
			return &socketio.Error{Message: "not authorized"} // the client's connect_error
		}
		return s.Join("lobby")
	})

	// socket.emit("sum", [1, 2], (sum) => …)
	socketio.Reply(srv, "sum", func(s *socketio.Socket, numbers []float64) (sum float64, err error) {
		for _, n := range numbers {
			sum += n
		}
		return sum, nil
	})

	// socket.emit("draw", "cat"): []byte is binary, and base64 in JSON for 0.9 clients.
	socketio.On(srv, "draw", func(s *socketio.Socket, what string) {
		s.To("lobby").Except("blind").Emit("picture", what, picture(what))
	})

	// The server asks, too, and waits for the client's answer.
	socketio.Reply(srv, "introduce", func(s *socketio.Socket, _ struct{}) (string, error) {
		ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
		defer cancel()
		name, err := socketio.Call[string](ctx, s, "your name?")
		return "hello, " + name, err
	})
	return srv
}

// picture draws it, in shades of grey.
func picture(what string) []byte { return []byte{byte(len(what)), 0x80, 0xff} }
