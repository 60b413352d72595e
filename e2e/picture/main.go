// Command picture takes the pictures of the page that the README shows: it starts the
// daemon with the official clients, has a short conversation take place in Chromium,
// and writes docs/page-light.png, docs/page-dark.png and docs/page-phone.png.
//
//	cd e2e && go run ./picture     # or make picture
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/chromedp/chromedp"

	"github.com/sockeye-io/socketio/e2e/browser"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("picture: ", err)
	}
}

// run makes all pictures, from the directory e2e.
func run() (err error) {
	r := &runner{}
	defer func() {
		if f, failed := recover().(failure); failed {
			err = f
		} else if r.err != nil {
			err = r.err
		}
	}()
	defer r.cleanUp()
	r.take()
	return nil
}

func (r *runner) take() {
	url := r.serve()
	b, err := browser.Start("hide-scrollbars")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(b.Close)

	desk := b.Open(r, url+"/?panes=0.9.17:xhr-polling,4.8.4:websocket")
	desk.Desk(1280, 1100, chromedp.EmulateScale(2)) // sharp on any screen
	r.converse(desk)
	for _, dark := range []bool{false, true} {
		desk.Dark(dark)
		r.write(map[bool]string{false: "page-light.png", true: "page-dark.png"}[dark], desk.Screenshot())
	}

	phone := b.Open(r, url+"/?panes=4.8.4:websocket,0.9.17:xhr-polling&room=phone")
	phone.Phone(390, 844)
	r.converseByPhone(phone)
	r.write("page-phone.png", phone.Screenshot())
}

// begin returns the page's panes, connected.
func (r *runner) begin(page *browser.Page) (first, second *browser.Pane) {
	first, second = page.Pane(0), page.Pane(1)
	// Which version it was says nothing about the next.
	browser.Eval[any](page, `document.querySelector("#version").replaceChildren()`)
	return first, second
}

// converse has the people in the first two panes show what the page is about.
func (r *runner) converse(page *browser.Page) {
	old, now := r.begin(page)
	old.Say("Hello from socket.io-client 0.9, unchanged.")
	now.AwaitLine(old.Name(), "Hello from socket.io-client 0.9, unchanged.")
	now.Say("And from 4.8. One Go server, one room.")
	old.AwaitLine(now.Name(), "And from 4.8. One Go server, one room.")
	now.SendPicture(r.drawing())
	old.AwaitPicture(now.Name())
	now.AwaitPicture(now.Name())
	now.To(old.Name())
	now.Say("Only you read this.")
	old.AwaitLine(now.Name(), "Only you read this.")
	now.To("")
	old.Say("You sent bytes; I got base64.")
	now.AwaitLine(old.Name(), "You sent bytes; I got base64.")
}

func (r *runner) converseByPhone(page *browser.Page) {
	now, old := r.begin(page)
	old.Say("Hello from 0.9, by long polling.")
	now.AwaitLine(old.Name(), "Hello from 0.9, by long polling.")
	now.Say("And from 4.8, on a WebSocket.")
	old.AwaitLine(now.Name(), "And from 4.8, on a WebSocket.")
}

// maxSize is how large a picture may be, in bytes: a README is to be there at once.
const maxSize = 200_000

func (r *runner) write(name string, png []byte) {
	small, err := compress(png)
	if err != nil {
		r.Fatalf("%s: %v", name, err)
	}
	if len(small) > maxSize {
		r.Fatalf("%s has %d bytes, more than %d", name, len(small), maxSize)
	}
	path := filepath.Join("..", "docs", name)
	if err := os.WriteFile(path, small, 0o644); err != nil {
		r.Fatalf("%v", err)
	}
	log.Printf("%s: %d bytes", path, len(small))
}

// serve builds and starts the daemon, and returns its URL.
func (r *runner) serve() string {
	program := filepath.Join(r.dir(), "sockeye")
	build := exec.Command("go", "build", "-C", "..", "-o", program, "./cmd/sockeye")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		r.Fatalf("building cmd/sockeye: %v", err)
	}
	daemon := exec.Command(program, "--addr", "127.0.0.1:0", "--clients", "../cmd/sockeye/clients/dist")
	daemon.Stderr = os.Stderr
	stdout, err := daemon.StdoutPipe()
	if err != nil {
		r.Fatalf("%v", err)
	}
	if err := daemon.Start(); err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		if err := daemon.Wait(); err != nil {
			r.Errorf("the daemon: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		r.Fatalf("the daemon does not listen: %q, %v", line, err)
	}
	return url
}

// A runner is the browser.TB of this program.
type runner struct {
	cleanups []func()
	err      error // the first that was not fatal
}

// A failure is what Fatalf panics with, for run to recover.
type failure struct{ error }

func (r *runner) Helper() {}

func (r *runner) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *runner) Errorf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *runner) Fatalf(format string, args ...any) {
	panic(failure{fmt.Errorf(format, args...)})
}

func (r *runner) cleanUp() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		f()
	}
}

// dir returns a directory that is there until the end.
func (r *runner) dir() string {
	dir, err := os.MkdirTemp("", "sockeye-picture")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
