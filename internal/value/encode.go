// Package value turns Go values into canonical arguments (packet.Args) and back.
//
// Arguments stay raw on their way through the server; this package is where someone
// types them. Common types cost no reflection; everything else goes through
// encoding/json, by its rules, without escaping HTML.
//
// Binary values have no place in JSON, so they lie beside it. A []byte is binary when
// it is an argument of its own, and anywhere in a map[string]any or []any. Inside
// other types encoding/json writes a []byte as base64 text, as Go programs expect;
// there the type Binary marks what shall leave as binary. On the way back a []byte
// takes either.
package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

// Encode returns args as canonical arguments. A packet.Args among them is spliced in
// whole, with as many values as it has. Encode keeps no args but the memory of binary
// values, which the caller must not change any more.
//
// Floats that JSON has no number for become null, alone and inside map[string]any and
// []any (revision-1.md §17.5); deeper they are encoding/json's error.
func Encode(args ...any) (packet.Args, error) {
	if len(args) == 0 {
		return packet.Args{}, nil
	}
	if a, ok := args[0].(packet.Args); ok && len(args) == 1 {
		return a, nil
	}
	e := encoder{json: make([]byte, 0, sizeOf(args))}
	for i, v := range args {
		if err := e.argument(v); err != nil {
			return packet.Args{}, fmt.Errorf("socketio: argument %d: %w", i+1, err)
		}
	}
	return packet.Args{JSON: e.json, Attachments: e.attachments}, nil
}

// sizeOf guesses how much JSON args are, so that common ones grow no buffer.
func sizeOf(args []any) int {
	n := 0
	for _, v := range args {
		switch v := v.(type) {
		case string:
			n += len(v) + 3
		case json.RawMessage:
			n += len(v) + 1
		case packet.Args:
			n += len(v.JSON) + 1
		default:
			n += 24
		}
	}
	return n
}

type encoder struct {
	json        []byte
	attachments []packet.Attachment
}

// argument appends one argument and the comma before it.
func (e *encoder) argument(v any) error {
	if a, ok := v.(packet.Args); ok {
		if len(a.JSON) == 0 {
			return nil
		}
		e.comma()
		for _, x := range a.Attachments {
			x.Pos += len(e.json)
			e.attachments = append(e.attachments, x)
		}
		e.json = append(e.json, a.JSON...)
		return nil
	}
	e.comma()
	return e.value(v, parser.MaxDepth)
}

func (e *encoder) comma() {
	if len(e.json) > 0 {
		e.json = append(e.json, ',')
	}
}

// value appends v, which may nest depth levels.
func (e *encoder) value(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		e.null()
	case string:
		e.json = parser.AppendQuote(e.json, v)
	case bool:
		e.json = strconv.AppendBool(e.json, v)
	case int:
		e.json = strconv.AppendInt(e.json, int64(v), 10)
	case int64:
		e.json = strconv.AppendInt(e.json, v, 10)
	case int32:
		e.json = strconv.AppendInt(e.json, int64(v), 10)
	case uint:
		e.json = strconv.AppendUint(e.json, uint64(v), 10)
	case uint64:
		e.json = strconv.AppendUint(e.json, v, 10)
	case uint32:
		e.json = strconv.AppendUint(e.json, uint64(v), 10)
	case float64:
		e.float(v, 64)
	case float32:
		e.float(float64(v), 32)
	case []byte:
		e.binary(v)
	case Binary:
		e.binary(v)
	case json.RawMessage:
		return e.raw(v, depth)
	case packet.Args:
		return errNested
	case map[string]any:
		return e.object(v, depth-1)
	case []any:
		return e.array(v, depth-1)
	default:
		return e.other(v, depth)
	}
	return nil
}

func (e *encoder) null() { e.json = append(e.json, "null"...) }

// binary appends an attachment; the nil slice is null, as for encoding/json.
func (e *encoder) binary(b []byte) {
	if b != nil {
		e.attachments = append(e.attachments, packet.Attachment{Pos: len(e.json), Data: b})
	}
	e.null()
}

// raw appends JSON text that the caller made. It is not trusted.
func (e *encoder) raw(text json.RawMessage, depth int) error {
	if text == nil {
		e.null()
		return nil
	}
	text = bytes.Trim(text, " \n\r\t")
	if err := check(text, depth); err != nil {
		return err
	}
	e.json = append(e.json, text...)
	return nil
}

// check is parser.Check for text without blanks around it, where depth may be none.
func check(text []byte, depth int) error {
	if depth > 0 {
		return parser.Check(text, depth)
	}
	if err := parser.Check(text, 0); err != nil {
		return err
	}
	if text[0] == '{' || text[0] == '[' {
		return parser.ErrDepth
	}
	return nil
}

// float appends f as encoding/json does, which writes what JavaScript would.
func (e *encoder) float(f float64, bits int) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		e.null()
		return
	}
	abs, format := math.Abs(f), byte('f')
	if abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) ||
		bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
		format = 'e'
	}
	e.json = strconv.AppendFloat(e.json, f, format, -1, bits)
	if n := len(e.json); format == 'e' && n >= 4 && e.json[n-4] == 'e' && e.json[n-3] == '-' && e.json[n-2] == '0' {
		e.json[n-2] = e.json[n-1] // e-09 is written e-9
		e.json = e.json[:n-1]
	}
}

// object appends m with its keys sorted, so that equal values are equal bytes.
func (e *encoder) object(m map[string]any, depth int) error {
	if m == nil {
		e.null()
		return nil
	}
	if depth < 0 {
		return errDepth
	}
	var room [16]string
	keys := room[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e.json = append(e.json, '{')
	for i, k := range keys {
		if i > 0 {
			e.json = append(e.json, ',')
		}
		e.json = parser.AppendQuote(e.json, k)
		e.json = append(e.json, ':')
		if err := e.value(m[k], depth); err != nil {
			return err
		}
	}
	e.json = append(e.json, '}')
	return nil
}

func (e *encoder) array(s []any, depth int) error {
	if s == nil {
		e.null()
		return nil
	}
	if depth < 0 {
		return errDepth
	}
	e.json = append(e.json, '[')
	for i, v := range s {
		if i > 0 {
			e.json = append(e.json, ',')
		}
		if err := e.value(v, depth); err != nil {
			return err
		}
	}
	e.json = append(e.json, ']')
	return nil
}

// errDepth ends the encoding of a value that contains itself, too.
var errDepth = fmt.Errorf("value nests deeper than %d levels: %w", parser.MaxDepth, parser.ErrDepth)

// other appends what encoding/json makes of v. Its text is checked, because a
// json.RawMessage or MarshalJSON inside v may say anything.
func (e *encoder) other(v any, depth int) error {
	start := len(e.json)
	out := &writer{e.json}
	w := json.NewEncoder(out)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return err
	}
	e.json = bytes.TrimSuffix(out.text, []byte("\n")) // Encode's
	if err := check(e.json[start:], depth); err != nil {
		return err
	}
	return e.unmark(start)
}

// A writer makes encoding/json append. It is no method of encoder, which then need
// not leave the stack.
type writer struct{ text []byte }

func (w *writer) Write(p []byte) (int, error) {
	w.text = append(w.text, p...)
	return len(p), nil
}

var errNested = errors.New("packet.Args stand for arguments, not inside one")
