package socketio

import (
	"reflect"

	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/internal/value"
	"github.com/sockeye-io/socketio/packet"
)

// Args are the arguments of an event or an answer, as they came: JSON text, with
// binary values beside it. Nothing is decoded before somebody asks. Args may be
// passed on as they are: one Args in the place of an argument stands for all its
// values. They must not be changed.
type Args packet.Args

func (a Args) packet() packet.Args { return packet.Args(a) }

// Len returns the number of arguments.
func (a Args) Len() int { return parser.Count(a.JSON) }

// Scan decodes the arguments into what dst points to, one by one, as database/sql
// does with columns. Superfluous arguments are ignored; a destination without an
// argument is set to its zero value. Numbers, strings, booleans, structs, maps and
// slices are decoded as encoding/json decodes them; a binary argument into a
// *[]byte. A *Args gets its argument undecoded.
func (a Args) Scan(dst ...any) error {
	return value.Decode(packet.Args(a), dst...)
}

// String returns the arguments as a JSON array; a binary value is null.
func (a Args) String() string { return "[" + string(a.JSON) + "]" }

// Binary is a binary value inside a struct that is sent: as an argument of its own,
// and inside maps and slices of type any, a []byte is binary without it.
type Binary = value.Binary

// Tuple makes a struct stand for a list of arguments. Embedded in the type that a
// handler takes, or that Call returns, it makes the arguments its other fields, by
// position:
//
//	type move struct {
//		socketio.Tuple
//		Piece string
//		To    [2]int
//	}
//	socketio.On(srv, "move", func(s *socketio.Socket, m move) { … }) // emit("move", "pawn", [4, 4])
type Tuple struct{}

func (Tuple) tuple() {}

var tupleType = reflect.TypeFor[interface{ tuple() }]()

// encode turns the arguments of a call into canonical ones.
func encode(args []any) (packet.Args, error) {
	if len(args) == 1 {
		if a, ok := args[0].(Args); ok {
			return packet.Args(a), nil
		}
	}
	for i, arg := range args {
		if _, ok := arg.(Args); ok {
			args = append([]any(nil), args...)
			for j := i; j < len(args); j++ {
				if a, ok := args[j].(Args); ok {
					args[j] = packet.Args(a)
				}
			}
			break
		}
	}
	return value.Encode(args...)
}

// decoder returns how arguments become a value of type T: all of them if T is Args
// or has a Tuple, else the first.
func decoder[T any]() func(packet.Args, *T) error {
	t := reflect.TypeFor[T]()
	switch {
	case t == reflect.TypeFor[Args]():
		return func(a packet.Args, dst *T) error {
			*any(dst).(*Args) = Args(a)
			return nil
		}
	case t == reflect.TypeFor[struct{}]():
		return func(packet.Args, *T) error { return nil }
	case t.Kind() == reflect.Struct && t.Implements(tupleType):
		return func(a packet.Args, dst *T) error { return value.DecodeFields(a, dst) }
	}
	return func(a packet.Args, dst *T) error { return value.Decode(a, dst) }
}
