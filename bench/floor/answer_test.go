package main

import "testing"

func TestAnswer(t *testing.T) {
	tests := []struct {
		msg  string
		kind kind
		want string
	}{
		{`40`, connect, ``},
		{`42["message","a"]`, reply, `42["message-back","a"]`},
		{`42["message",{"a":1},2]`, reply, `42["message-back",{"a":1},2]`},
		{`5:::{"name":"message","args":["a"]}`, reply, `5:::{"name":"message-back","args":["a"]}`},
		{`4217["message-with-ack","a"]`, reply, `4317["a"]`},
		{`421["join","room-007"]`, join, `431["ok"]`},
		{`42["to","room-007","a"]`, toRoom, `42["room-message","a"]`},
		{`42["broadcast","a"]`, broadcast, `42["broadcast-message","a"]`},
		{`3`, nothing, ``},
		{`41`, nothing, ``},
		{`42["unknown"]`, nothing, ``},
		{`42`, nothing, ``},
	}
	for _, tt := range tests {
		k, got := answer(nil, []byte(tt.msg))
		if k != tt.kind || k != nothing && string(got) != tt.want {
			t.Errorf("answer(%s) = %d, %s; want %d, %s", tt.msg, k, got, tt.kind, tt.want)
		}
	}
	if got := room([]byte(`421["join","room-007"]`)); got != "room-007" {
		t.Errorf("room = %q", got)
	}
}
