package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/socketio/bench/app"
)

// maxBody is more than any load posts.
const maxBody = 4096

// polls is the long-polling half: a POST puts its answer into the session's
// channel, a GET waits for one.
type polls struct {
	mu       sync.Mutex
	sessions map[string]chan []byte
	opened   atomic.Int64
}

func newPolls() *polls { return &polls{sessions: make(map[string]chan []byte)} }

var contentType = []string{"text/plain; charset=UTF-8"}

// oldPollPath comes before a revision 1 session's id.
const oldPollPath = "/socket.io/1/xhr-polling/"

// current serves the polls of revision 5.
func (p *polls) current(w http.ResponseWriter, r *http.Request) {
	_, sid, ok := strings.Cut(r.URL.RawQuery, "&sid=")
	if !ok {
		p.open(w)
		return
	}
	p.serve(w, r, p.find(sid), &app.Revision5)
}

// old serves those of revision 1, whose sessions begin with a GET.
func (p *polls) old(w http.ResponseWriter, r *http.Request) {
	sid := strings.TrimPrefix(r.URL.Path, oldPollPath)
	queue := p.find(sid)
	if queue == nil && r.Method == http.MethodGet {
		queue = p.create(sid)
		put(queue, app.Revision1.Hello)
	}
	p.serve(w, r, queue, &app.Revision1)
}

func (p *polls) serve(w http.ResponseWriter, r *http.Request, queue chan []byte, d *app.Dialect) {
	w.Header()["Content-Type"] = contentType
	switch {
	case queue == nil:
		http.Error(w, "unknown session", http.StatusBadRequest)
	case r.Method == http.MethodPost:
		p.post(w, r, queue, d)
	default:
		p.get(w, r, queue)
	}
}

func (p *polls) find(sid string) chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[sid]
}

func (p *polls) create(sid string) chan []byte {
	queue := make(chan []byte, 16)
	p.mu.Lock()
	p.sessions[sid] = queue
	p.mu.Unlock()
	return queue
}

func put(queue chan []byte, messages [][]byte) {
	for _, m := range messages {
		queue <- m
	}
}

func (p *polls) open(w http.ResponseWriter) {
	sid := sessionID(p.opened.Add(1))
	p.create(sid)
	w.Header()["Content-Type"] = contentType
	fmt.Fprintf(w, `0{"sid":"%s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, sid)
}

func (p *polls) post(w http.ResponseWriter, r *http.Request, queue chan []byte, d *app.Dialect) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		http.Error(w, "body without a length, or too long", http.StatusRequestEntityTooLarge)
		return
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return
	}
	switch k, out := d.Answer(nil, body); k {
	case app.Connect:
		put(queue, d.Joined)
	case app.Reply:
		queue <- out
	}
	io.WriteString(w, d.Posted)
}

func (p *polls) get(w http.ResponseWriter, r *http.Request, queue chan []byte) {
	select {
	case msg := <-queue:
		w.Write(msg)
	case <-r.Context().Done():
	}
}
