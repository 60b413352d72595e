package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kong"
)

// mappers says how the texts of flags and variables become values. Kong has mappers of
// its own; these know "off", and say what they want.
type mappers struct{}

// Apply adds them.
func (mappers) Apply(k *kong.Kong) error {
	for _, option := range []kong.Option{
		mapper("a value", func(text string) (string, error) { return text, nil }),
		mapper("a whole number or off", numberOrOff(strconv.Atoi)),
		mapper("a number or off", numberOrOff(func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })),
		mapper("a duration such as 1m30s, or off", numberOrOff(time.ParseDuration)),
		mapper("an address or a network such as 10.0.0.0/8", parsePrefix),
		mapper("debug, info, warn or error", parseLevel),
		mapper("text or json", parseFormat),
	} {
		if err := option.Apply(k); err != nil {
			return err
		}
	}
	return nil
}

// mapper returns the mapper of a type, of which parse makes a value; wanted is what it
// takes, in words.
func mapper[T any](wanted string, parse func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return fmt.Errorf("want %s", wanted)
		}
		v, err := parse(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("%q: want %s", text, wanted)
		}
		target.Set(reflect.ValueOf(v))
		return nil
	}))
}

// numberOrOff lets parse know "off", which is a negative value in socketio.Options.
func numberOrOff[T int | float64 | time.Duration](parse func(string) (T, error)) func(string) (T, error) {
	return func(text string) (T, error) {
		if text == "off" {
			return -1, nil
		}
		return parse(text)
	}
}

// parsePrefix reads a network, or an address, which is a network of one.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func parseLevel(text string) (level slog.Level, err error) {
	return level, level.UnmarshalText([]byte(text))
}

// A logFormat is how the log is written.
type logFormat string

const (
	formatText logFormat = "text"
	formatJSON logFormat = "json"
)

func parseFormat(text string) (logFormat, error) {
	if f := logFormat(text); f == formatText || f == formatJSON {
		return f, nil
	}
	return "", strconv.ErrSyntax
}

// flagName returns the name of the flag for a field, without its dashes: MaxPayload is
// max-payload, Revision1.CloseTimeout revision1-close-timeout.
func flagName(field string) string {
	var b strings.Builder
	for i, c := range strings.ReplaceAll(field, ".", "") {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
