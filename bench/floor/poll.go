package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxBody is more than any load posts.
const maxBody = 4096

// polls is the long-polling half: a POST puts its answer into the session's
// channel, a GET waits for one.
type polls struct {
	mu       sync.Mutex
	sessions map[string]chan []byte
}

func newPolls() *polls { return &polls{sessions: make(map[string]chan []byte)} }

var contentType = []string{"text/plain; charset=UTF-8"}

func (p *polls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = contentType
	_, sid, ok := strings.Cut(r.URL.RawQuery, "&sid=")
	if !ok {
		p.open(w)
		return
	}
	p.mu.Lock()
	queue := p.sessions[sid]
	p.mu.Unlock()
	switch {
	case queue == nil:
		http.Error(w, "unknown session", http.StatusBadRequest)
	case r.Method == http.MethodPost:
		p.post(w, r, queue)
	default:
		p.get(w, r, queue)
	}
}

func (p *polls) open(w http.ResponseWriter) {
	p.mu.Lock()
	sid := fmt.Sprintf("%s%06d", fixedID[:14], len(p.sessions))
	p.sessions[sid] = make(chan []byte, 16)
	p.mu.Unlock()
	fmt.Fprintf(w, `0{"sid":"%s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, sid)
}

func (p *polls) post(w http.ResponseWriter, r *http.Request, queue chan []byte) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		http.Error(w, "body without a length, or too long", http.StatusRequestEntityTooLarge)
		return
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return
	}
	switch k, out := answer(nil, body); k {
	case connect:
		queue <- connectPacket
		queue <- authEvent
	case reply:
		queue <- out
	}
	io.WriteString(w, "ok")
}

func (p *polls) get(w http.ResponseWriter, r *http.Request, queue chan []byte) {
	select {
	case msg := <-queue:
		w.Write(msg)
	case <-r.Context().Done():
	}
}
