package engineio_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/sockeye-io/socketio/engineio"
)

// A server that sends everything back, for any page of the same origin, and ends
// without losing anything.
func Example() {
	eio := engineio.NewServer(nil)
	eio.OnMessage(func(s *engineio.Socket, m engineio.Message) { _ = s.Send(m) })
	http.Handle("/engine.io/", eio)
	srv := &http.Server{
		Addr:              "localhost:3000",
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    12 << 10,
	}
	go func() { log.Print(srv.ListenAndServe()) }()

	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	<-interrupt
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	_ = eio.Shutdown(ctx)
	_ = srv.Close()
}

// What a client says and hears, in requests that could be made by hand.
func ExampleServer() {
	eio := engineio.NewServer(nil)
	eio.OnConnect(func(*engineio.Socket) { fmt.Println("server: somebody came") })
	eio.OnMessage(func(s *engineio.Socket, m engineio.Message) {
		fmt.Printf("server: got %q\n", m.Data)
		_ = s.Send(engineio.Message{Data: []byte("welcome")})
		s.Close()
	})
	eio.OnClose(func(_ *engineio.Socket, reason string) { fmt.Println("server:", reason) })
	srv := httptest.NewServer(eio)
	defer srv.Close()

	url := srv.URL + "/engine.io/?EIO=4&transport=polling"
	open := body(http.Get(url))
	url += "&sid=" + regexp.MustCompile(`"sid":"([^"]*)"`).FindStringSubmatch(open)[1]
	// 4 is a message, 1 the end.
	post := body(http.Post(url, "text/plain", strings.NewReader("4hello")))
	first, second := body(http.Get(url)), body(http.Get(url))
	_ = eio.Shutdown(context.Background()) // waits for OnClose
	fmt.Println("client:", post, first, second)
	// Output:
	// server: somebody came
	// server: got "hello"
	// server: forced close
	// client: ok 4welcome 1
}

func body(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}
