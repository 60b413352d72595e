package visit

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Start runs a program's run function on a port of the loopback, and returns its
// address and how to stop it as a signal would. It is stopped with the test in any
// case; run must end without an error then.
func Start(t *testing.T, run func(context.Context, net.Listener) error) (base string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener) }() // ends with ctx
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return "http://" + listener.Addr().String(), cancel
}

// Test checks a program that serves what all of these programs serve: "say" tells
// the others "said" and is acknowledged with their number; who leaves is "left" to
// the others; / is a page.
func Test(t *testing.T, run func(context.Context, net.Listener) error) {
	base, stop := Start(t, run)
	for _, mode := range Modes {
		t.Run(mode.Name, func(t *testing.T) { visits(t, base, mode) })
	}
	t.Run("page", func(t *testing.T) {
		if _, body := Get(t, base+"/"); !strings.HasPrefix(body, "a page") {
			t.Errorf("got %q", body)
		}
	})
	t.Run("path without slash", func(t *testing.T) { // the client's addTrailingSlash: false
		url := base + "/socket.io?EIO=4&transport=polling"
		_, body := Get(t, url)
		sid := sidOf(body)
		if sid == "" {
			t.Fatalf("got %q", body)
		}
		res, err := http.Post(url+"&sid="+sid, "text/plain", strings.NewReader("1"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	})
	// Clients come back after a shutdown if only their transport ends.
	t.Run("shutdown", func(t *testing.T) {
		var clients []*Client
		for _, mode := range Modes {
			clients = append(clients, Dial(t, mode, base, ""))
		}
		stop()
		for _, c := range clients {
			if told := c.End(); slices.Contains(told, "disconnect") {
				t.Errorf("%s: was told to stay away", c.mode.Name)
			}
		}
	})
}

// visits lets a client come, talk and go, and another one watch it.
func visits(t *testing.T, base string, mode Mode) {
	watcher := Dial(t, Modes[2], base, "")
	if got := watcher.Ask("say", `"anybody?"`); got != "[0]" {
		t.Fatalf("somebody is left: %s", got)
	}
	talk := func() *Client {
		c := Dial(t, mode, base, "")
		if got := c.Ask("say", `"grüß Gott 🐟"`); got != "[1]" {
			t.Errorf("answered %s", got)
		}
		watcher.Want(`said["grüß Gott 🐟"]`)
		watcher.Emit("say", `"good day"`)
		c.Want(`said["good day"]`)
		return c
	}
	goodbyes := []func(*Client){(*Client).Leave}
	if mode.rev1 {
		goodbyes = append(goodbyes, (*Client).SayGoodbye)
	}
	for _, goodbye := range goodbyes {
		c := talk()
		goodbye(c)
		if got := watcher.Next(); !strings.HasPrefix(got, "left[") {
			t.Errorf("got %s", got)
		}
		c.End()
	}
	watcher.Leave()
	watcher.End()
}

// End waits for the session's end, which clients that poll have to ask for, and
// returns what came before.
func (c *Client) End() (before []string) {
	c.t.Helper()
	for {
		got := c.Next()
		if strings.HasPrefix(got, "end: ") {
			return before
		}
		before = append(before, got)
	}
}

// Get returns the answer to a request, following redirects.
func Get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}
