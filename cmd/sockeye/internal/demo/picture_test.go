package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"
)

// pictures are one of each kind that is shown. What the standard library cannot write,
// a WebP, is its header.
func pictures(t *testing.T) map[string][]byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 8, 8), palette.Plan9)
	all := map[string][]byte{"image/webp": []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00")}
	for kind, encode := range map[string]func(*bytes.Buffer) error{
		"image/png":  func(b *bytes.Buffer) error { return png.Encode(b, img) },
		"image/jpeg": func(b *bytes.Buffer) error { return jpeg.Encode(b, img, nil) },
		"image/gif":  func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		all[kind] = b.Bytes()
	}
	return all
}

// asText is a picture as a client sends it whose protocol has no binary.
func asText(data []byte) map[string]any {
	return map[string]any{"base64": true, "data": base64.StdEncoding.EncodeToString(data)}
}

// sends is a picture as g's client sends it.
func (g *guest) sends(data []byte) any {
	if g.rev1 {
		return asText(data)
	}
	return data
}

// pictured checks that g has heard of this picture and nothing else.
func (g *guest) pictured(line string, data []byte) {
	g.h.Helper()
	all := g.hears()
	if len(all) != 1 || all[0].name != "picture" || len(all[0].args) != 2 || string(all[0].args[0]) != line {
		g.h.Fatalf("heard %v, want a picture with %s", all, line)
	}
	got := all[0].data
	if g.rev1 {
		var text struct {
			Base64 bool
			Data   []byte
		}
		if err := json.Unmarshal(all[0].args[1], &text); err != nil || !text.Base64 {
			g.h.Errorf("%v: %s", err, all[0].args[1])
		}
		got = text.Data
	}
	if !bytes.Equal(got, data) {
		g.h.Errorf("got %.40q, want %.40q", got, data)
	}
}

// TestPicture: a picture is bytes in the generations that have them, and base64 in JSON
// in the one that has not, in both directions.
func TestPicture(t *testing.T) {
	bothGenerations(t, func(h *house, rev1 bool) {
		author := h.joins(rev1, "Ann", "lobby")
		old, young := h.joins(true, "Bob", "lobby"), h.joins(false, "Cid", "lobby")
		away := h.joins(rev1, "Eve", "elsewhere")
		all := pictures(h.T)
		all["image/png"] = append(all["image/png"], make([]byte, maxPicture-len(all["image/png"]))...)
		for kind, data := range all {
			time.Sleep(10 * time.Second) // for the limit of the rate
			h.settle(author, old, young, away)
			line := strings.TrimSuffix(author.said("Ann", "", false), "}") + fmt.Sprintf(`,"type":%q}`, kind)
			// The type that is given is not believed.
			if answer := author.ask("picture", map[string]string{"type": "text/html"}, author.sends(data)); answer != line {
				t.Errorf("%s: %s, want %s", kind, answer, line)
			}
			old.pictured(line, data)
			young.pictured(line, data)
			away.expect()
			author.expect()

			answer := author.ask("picture", map[string]string{"to": young.id}, author.sends(data))
			if !strings.Contains(answer, `"private":true`) {
				t.Errorf("%s: %s is not private", kind, answer)
			}
			young.pictured(answer, data)
			old.expect()
			away.expect()
		}
	})
}

// TestPictureRefused: what is no picture, or too large a one, is shown to nobody.
func TestPictureRefused(t *testing.T) {
	const kinds = "a picture is a PNG, JPEG, GIF or WebP file"
	const invalid = "invalid arguments for picture"
	png := pictures(t)["image/png"]
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)
	bothGenerations(t, func(h *house, rev1 bool) {
		author, other := h.joins(rev1, "Ann", "lobby"), h.joins(!rev1, "Bob", "lobby")
		h.settle(author, other)
		head := map[string]string{"type": "image/png"}
		for _, c := range []struct {
			message string
			args    []any
		}{
			{kinds, []any{head, author.sends(svg)}},
			{kinds, []any{head, author.sends(slices.Concat([]byte("<?xml version='1.0'?>"), svg))}},
			{kinds, []any{head, author.sends([]byte("<!doctype html><script>alert(1)</script>"))}},
			{kinds, []any{head, author.sends([]byte("BM\x00\x00"))}}, // a picture, but none of ours
			{kinds, []any{head, author.sends([]byte{})}},
			{kinds, nil},
			{kinds, []any{head}},
			{kinds, []any{head, nil}},
			{kinds, []any{head, map[string]any{}}},
			{invalid, []any{head, map[string]any{"base64": true, "data": "!!!"}}},
			{invalid, []any{head, map[string]any{"base64": true, "data": "AAA"}}},
			{invalid, []any{head, map[string]any{"base64": true, "data": 7}}},
			{invalid, []any{head, 7}},
			{invalid, []any{"image/png", author.sends(png)}},
			{invalid, []any{map[string]int{"to": 7}, author.sends(png)}},
			{"a picture has at most 500 kB", []any{head, author.sends(append(png, make([]byte, maxPicture)...))}},
			{"there is nobody else of that id in this room (any more)", []any{map[string]string{"to": "nobody"}, author.sends(png)}},
		} {
			time.Sleep(10 * time.Second)
			author.refused(c.message, "picture", c.args...)
			other.expect()
		}
		time.Sleep(10 * time.Second)
		h.comes(rev1).refused("join a room first", "picture", head, author.sends(png))
		other.expect()
		author.ask("say", utterance{Text: "I am still here"})
		other.expect("said[" + author.said("Ann", "I am still here", false) + "]")
	})
}
