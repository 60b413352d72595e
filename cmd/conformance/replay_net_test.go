package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/socketio/flashpolicy"
)

// replayClient stands for the client's files; only which one is served is of interest,
// and gzip has something to do.
var replayClient = fstest.MapFS{
	"0.9.16/socket.io.js":              {Data: []byte("0.9.16 " + strings.Repeat("+", 1000))},
	"0.9.16/socket.io.min.js":          {Data: []byte("0.9.16 min")},
	"0.9.16/WebSocketMain.swf":         {Data: []byte("0.9.16 Flash")},
	"0.9.16/WebSocketMainInsecure.swf": {Data: []byte("0.9.16 insecure Flash")},
}

// replayNet serves h as a server of 0.9 with these settings would: with policy files,
// on the same port and on another, if flashsocket is among the transports.
func replayNet(t *testing.T, h http.Handler, loop bool, settings string) (n, policies *memNet) {
	set := struct {
		Transports []string `json:"transports"`
		Origins    []string `json:"origins"`
		Policies   bool     `json:"flash policy server"`
	}{Policies: true}
	if settings != "" {
		if err := json.Unmarshal([]byte(settings), &set); err != nil {
			t.Fatalf("settings: %v", err)
		}
	}
	if !set.Policies || !slices.Contains(set.Transports, "flashsocket") {
		return newMemNet(t, h, loop), nil
	}
	policy, err := flashpolicy.New([]string{"*"})
	if set.Origins != nil {
		policy, err = flashpolicy.New(flashpolicy.Domains(set.Origins), memAddr.Port)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, policies = makeMemNet(t, loop), makeMemNet(t, false)
	n.handler.Handler = h
	go n.handler.Serve(flashpolicy.Listen(n, policy)) // ends with Close, as does the other
	go flashpolicy.Serve(policies, policy)
	return n, policies
}
