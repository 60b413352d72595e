package main

import "testing"

func TestAnswer(t *testing.T) {
	tests := []struct {
		d    *dialect
		msg  string
		kind kind
		want string
	}{
		{&revision5, `40`, connect, ``},
		{&revision5, `42["message","a"]`, reply, `42["message-back","a"]`},
		{&revision5, `42["message",{"a":1},2]`, reply, `42["message-back",{"a":1},2]`},
		{&revision5, `4217["message-with-ack","a"]`, reply, `4317["a"]`},
		{&revision5, `421["join","room-007"]`, join, `431["ok"]`},
		{&revision5, `42["to","room-007","a"]`, toRoom, `42["room-message","a"]`},
		{&revision5, `42["broadcast","a"]`, broadcast, `42["broadcast-message","a"]`},
		{&revision5, `3`, nothing, ``},
		{&revision5, `41`, nothing, ``},
		{&revision5, `42["unknown"]`, nothing, ``},
		{&revision5, `42`, nothing, ``},
		{&revision1, `5:::{"name":"message","args":["a"]}`, reply, `5:::{"name":"message-back","args":["a"]}`},
		{&revision1, `5:17+::{"name":"message-with-ack","args":["a"]}`, reply, `6:::17+["a"]`},
		{&revision1, `5:1+::{"name":"message-with-ack","args":[{"a":{}}]}`, reply, `6:::1+[{"a":{}}]`},
		{&revision1, `5:1+::{"name":"join","args":["room-007"]}`, join, `6:::1+["ok"]`},
		{&revision1, `5:::{"name":"to","args":["room-007","a"]}`, toRoom, `5:::{"name":"room-message","args":["a"]}`},
		{&revision1, `5:::{"name":"broadcast","args":["a"]}`, broadcast, `5:::{"name":"broadcast-message","args":["a"]}`},
		{&revision1, `0::`, leave, `0::`},
		{&revision1, `2::`, nothing, ``},
		{&revision1, `5:::{"name":"unknown"}`, nothing, ``},
		{&revision1, `5:1+::{"name":"unknown"}`, nothing, ``},
		{&revision1, ``, nothing, ``},
	}
	for _, tt := range tests {
		k, got := tt.d.answer(nil, []byte(tt.msg))
		if k != tt.kind || k != nothing && string(got) != tt.want {
			t.Errorf("answer(%s) = %d, %s; want %d, %s", tt.msg, k, got, tt.kind, tt.want)
		}
	}
}

func TestRoom(t *testing.T) {
	for msg, want := range map[string]string{
		`421["join","room-007"]`:                    "room-007",
		`5:1+::{"name":"join","args":["room-007"]}`: "room-007",
		`"`: "",
		``:  "",
	} {
		if got := room([]byte(msg)); got != want {
			t.Errorf("room(%s) = %q, want %q", msg, got, want)
		}
	}
}
