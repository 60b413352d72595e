package app

import "testing"

func TestAnswer(t *testing.T) {
	tests := []struct {
		d    *Dialect
		msg  string
		kind Kind
		want string
	}{
		{&Revision5, `40`, Connect, ``},
		{&Revision5, `42["message","a"]`, Reply, `42["message-back","a"]`},
		{&Revision5, `42["message",{"a":1},2]`, Reply, `42["message-back",{"a":1},2]`},
		{&Revision5, `4217["message-with-ack","a"]`, Reply, `4317["a"]`},
		{&Revision5, `421["join","room-007"]`, Join, `431["ok"]`},
		{&Revision5, `42["to","room-007","a"]`, ToRoom, `42["room-message","a"]`},
		{&Revision5, `42["broadcast","a"]`, Broadcast, `42["broadcast-message","a"]`},
		{&Revision5, `3`, Nothing, ``},
		{&Revision5, `41`, Nothing, ``},
		{&Revision5, `42["unknown"]`, Nothing, ``},
		{&Revision5, `42`, Nothing, ``},
		{&Revision1, `5:::{"name":"message","args":["a"]}`, Reply, `5:::{"name":"message-back","args":["a"]}`},
		{&Revision1, `5:17+::{"name":"message-with-ack","args":["a"]}`, Reply, `6:::17+["a"]`},
		{&Revision1, `5:1+::{"name":"message-with-ack","args":[{"a":{}}]}`, Reply, `6:::1+[{"a":{}}]`},
		{&Revision1, `5:1+::{"name":"join","args":["room-007"]}`, Join, `6:::1+["ok"]`},
		{&Revision1, `5:::{"name":"to","args":["room-007","a"]}`, ToRoom, `5:::{"name":"room-message","args":["a"]}`},
		{&Revision1, `5:::{"name":"broadcast","args":["a"]}`, Broadcast, `5:::{"name":"broadcast-message","args":["a"]}`},
		{&Revision1, `0::`, Leave, `0::`},
		{&Revision1, `2::`, Nothing, ``},
		{&Revision1, `5:::{"name":"unknown"}`, Nothing, ``},
		{&Revision1, `5:1+::{"name":"unknown"}`, Nothing, ``},
		{&Revision1, ``, Nothing, ``},
	}
	for _, tt := range tests {
		k, got := tt.d.Answer(nil, []byte(tt.msg))
		if k != tt.kind || k != Nothing && string(got) != tt.want {
			t.Errorf("Answer(%s) = %d, %s; want %d, %s", tt.msg, k, got, tt.kind, tt.want)
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
		if got := Room([]byte(msg)); got != want {
			t.Errorf("Room(%s) = %q, want %q", msg, got, want)
		}
	}
}
