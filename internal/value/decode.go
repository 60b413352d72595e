package value

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/sockeye-io/socketio/internal/parser"
	"github.com/sockeye-io/socketio/packet"
)

var (
	errPointer = errors.New("destination is not a pointer")
	errPlace   = errors.New("socketio: an attachment has no place in the arguments")
	errStruct  = errors.New("destination is not a pointer to a struct")
)

// Decode stores each of args in what the dst in its place points to, as
// database/sql's Scan does. Values beyond the last dst are left out; a dst beyond the
// last value becomes its zero value, as what JavaScript passes to a function with too
// few arguments is undefined. A nil dst skips a value. JSON null makes any dst zero.
//
// Besides what encoding/json can fill, a *[]byte or *Binary takes a binary value
// itself, a *json.RawMessage the value's text, a *packet.Args the value as it is. A
// binary value inside another is found in a []byte of a struct, and as []byte in an
// any, map[string]any or []any. What is not copied, all of these, must not be changed.
func Decode(args packet.Args, dst ...any) error {
	if err := places(args); err != nil {
		return err
	}
	d := decoder{args: args}
	for i, v := range dst {
		if err := d.decode(v); err != nil {
			return fmt.Errorf("socketio: argument %d: %w", i+1, err)
		}
	}
	return nil
}

// DecodeFields stores args in the exported fields of the struct that dst points to, by
// position, as Decode does. A field with the tag `json:"-"`, and an embedded one of
// no size, have no position.
func DecodeFields(args packet.Args, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("socketio: %w: %T", errStruct, dst)
	}
	if err := places(args); err != nil {
		return err
	}
	v = v.Elem()
	d := decoder{args: args}
	for i, n := 0, 0; i < v.NumField(); i++ {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Tag.Get("json") == "-" || f.Anonymous && f.Type.Size() == 0 {
			continue
		}
		n++
		if err := d.decode(v.Field(i).Addr().Interface()); err != nil {
			return fmt.Errorf("socketio: argument %d, field %s: %w", n, f.Name, err)
		}
	}
	return nil
}

// places sees that args' attachments lie where decoding expects them. Only a bug
// makes others, but they must not end the process.
func places(args packet.Args) error {
	if !parser.Placed(&args) {
		return errPlace
	}
	return nil
}

// A decoder walks over arguments.
type decoder struct {
	args packet.Args
	next int // where the next value begins
}

// seat begins the strings that hold the place of binary values while encoding/json
// reads. It never leaves this process, so no client can write one.
var seat = "binary:" + rand.Text() + ":"

// A part is one value: its text, and the attachments in it with positions in that
// text.
type part struct {
	text        []byte
	shift       int // of the attachments' positions
	attachments []packet.Attachment
}

// part returns the next value; without a text if there is none.
func (d *decoder) part() part {
	list := d.args.JSON
	if d.next >= len(list) {
		return part{}
	}
	from, to, next := parser.Next(list, d.next)
	d.next = next
	p := part{text: list[from:to:to], shift: from}
	n := 0
	for n < len(d.args.Attachments) && d.args.Attachments[n].Pos < to {
		n++
	}
	p.attachments, d.args.Attachments = d.args.Attachments[:n:n], d.args.Attachments[n:]
	return p
}

// binary returns the bytes of a value that is a binary one.
func (p *part) binary() ([]byte, bool) {
	if len(p.attachments) == 1 && string(p.text) == "null" {
		return p.attachments[0].Data, true
	}
	return nil, false
}

// decode stores the next value.
func (d *decoder) decode(dst any) error {
	p := d.part()
	if dst == nil {
		return nil
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errPointer
	}
	if v.Type().Elem().Kind() == reflect.Struct && v.CanConvert(argsPointer) {
		dst = v.Convert(argsPointer).Interface() // an Args of another package
	}
	if len(p.text) == 0 || len(p.attachments) == 0 && string(p.text) == "null" {
		setNull(dst, p.text)
		return nil
	}
	if len(p.attachments) == 0 && fast(dst, p.text) {
		return nil
	}
	switch dst := dst.(type) {
	case *[]byte:
		if b, ok := p.binary(); ok {
			*dst = b
			return nil
		}
	case *Binary:
		if b, ok := p.binary(); ok {
			*dst = b
			return nil
		}
	case *json.RawMessage:
		*dst = json.RawMessage(p.text)
		return nil
	case *packet.Args:
		*dst = p.args()
		return nil
	case *any, *map[string]any, *[]any:
		return p.tree(dst)
	}
	v.Elem().SetZero() // encoding/json adds to maps and keeps fields
	return json.Unmarshal(p.fill(""), dst)
}

var argsPointer = reflect.TypeFor[*packet.Args]()

// setNull makes what dst points to zero; raw forms keep a null that was there.
func setNull(dst any, text []byte) {
	switch dst := dst.(type) {
	case *json.RawMessage:
		*dst = json.RawMessage(text)
	case *packet.Args:
		*dst = packet.Args{JSON: text}
	default:
		reflect.ValueOf(dst).Elem().SetZero()
	}
}

// fast stores a value of a common type without reflection. It reports false if it
// cannot, also for a value that does not fit: encoding/json then says why.
func fast(dst any, text []byte) bool {
	var err error
	switch dst := dst.(type) {
	case *string:
		if text[0] != '"' || bytes.IndexByte(text, '\\') >= 0 {
			return false
		}
		*dst = string(text[1 : len(text)-1])
	case *int:
		return integer(dst, text, strconv.IntSize)
	case *int64:
		return integer(dst, text, 64)
	case *int32:
		return integer(dst, text, 32)
	case *float64:
		if text[0] != '-' && (text[0] < '0' || text[0] > '9') {
			return false // strconv knows more words for numbers than JSON
		}
		var f float64
		if f, err = strconv.ParseFloat(string(text), 64); err == nil {
			*dst = f
		}
	case *bool:
		if text[0] != 't' && text[0] != 'f' {
			return false
		}
		*dst = text[0] == 't'
	default:
		return false
	}
	return err == nil
}

func integer[T int | int32 | int64](dst *T, text []byte, bits int) bool {
	n, err := strconv.ParseInt(string(text), 10, bits)
	if err == nil {
		*dst = T(n)
	}
	return err == nil
}

// args returns the value as a list of one.
func (p *part) args() packet.Args {
	a := packet.Args{JSON: p.text, Attachments: p.attachments}
	if p.shift > 0 && len(a.Attachments) > 0 {
		a.Attachments = make([]packet.Attachment, len(p.attachments))
		for i, x := range p.attachments {
			x.Pos -= p.shift
			a.Attachments[i] = x
		}
	}
	return a
}

// fill returns the value's text with each attachment as a string in the place of its
// null: base64 text without a seat; the seat and its number with one.
func (p *part) fill(seat string) []byte {
	if len(p.attachments) == 0 {
		return p.text
	}
	size := len(p.text)
	for _, x := range p.attachments {
		size += base64.StdEncoding.EncodedLen(len(x.Data)) + len(seat) + 2
	}
	text := make([]byte, 0, size)
	at := 0
	for i, x := range p.attachments {
		text = append(text, p.text[at:x.Pos-p.shift]...)
		text = append(text, '"')
		if seat == "" {
			text = base64.StdEncoding.AppendEncode(text, x.Data)
		} else {
			text = strconv.AppendInt(append(text, seat...), int64(i), 10)
		}
		text = append(text, '"')
		at = x.Pos - p.shift + len("null")
	}
	return append(text, p.text[at:]...)
}

// tree decodes into types that can hold a []byte anywhere. The attachments stand in
// the text as strings that begin with seat.
func (p *part) tree(dst any) error {
	if b, ok := p.binary(); ok {
		if v, ok := dst.(*any); ok {
			*v = b
			return nil
		}
	}
	var v any
	if err := json.Unmarshal(p.fill(seat), &v); err != nil {
		return err
	}
	if len(p.attachments) > 0 {
		v = p.bytes(v)
	}
	ok := true
	switch dst := dst.(type) {
	case *any:
		*dst = v
	case *map[string]any:
		*dst, ok = v.(map[string]any)
	case *[]any:
		*dst, ok = v.([]any)
	}
	if !ok {
		return json.Unmarshal(p.text, dst) // says what does not fit
	}
	return nil
}

// bytes replaces the marked strings in v. Canonical arguments are not deep, so it
// may recurse.
func (p *part) bytes(v any) any {
	switch v := v.(type) {
	case string:
		if len(v) > len(seat) && v[:len(seat)] == seat {
			if i, err := strconv.Atoi(v[len(seat):]); err == nil && i >= 0 && i < len(p.attachments) {
				return p.attachments[i].Data
			}
		}
	case []any:
		for i := range v {
			v[i] = p.bytes(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = p.bytes(v[k])
		}
	}
	return v
}
