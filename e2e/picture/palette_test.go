package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// Few colors stay exactly what they are; of many, each is near to what it was, and a
// large area is still its own.
func TestCompress(t *testing.T) {
	for _, c := range []struct {
		name     string
		colors   int
		distance int // at most, in each channel
	}{{"few", maxColors - 1, 0}, {"many", 4096, 60}} {
		img := image.NewRGBA(image.Rect(0, 0, 128, 128))
		for i := range 128 * 128 {
			n := i % c.colors
			img.Set(i%128, i/128, color.RGBA{uint8(n % 16 * 17), uint8(n / 16 % 16 * 17), uint8(n / 256 * 17), 255})
		}
		area := color.RGBA{1, 2, 3, 255}
		for i := range 64 * 128 {
			img.Set(i%128, i/128, area)
		}
		var original bytes.Buffer
		if err := png.Encode(&original, img); err != nil {
			t.Fatal(err)
		}
		b, err := compress(original.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := got.(*image.Paletted); !ok || len(p.Palette) > maxColors {
			t.Errorf("%s: a %T", c.name, got)
		}
		if rgba(got.At(5, 5)) != area {
			t.Errorf("%s: the area is %v", c.name, got.At(5, 5))
		}
		for i := range 128 * 128 {
			want, have := shade{RGBA: rgba(img.At(i%128, i/128))}.channels(), shade{RGBA: rgba(got.At(i%128, i/128))}.channels()
			for ch := range 3 {
				if d := int(want[ch]) - int(have[ch]); max(d, -d) > c.distance {
					t.Fatalf("%s: %v has become %v", c.name, want, have)
				}
			}
		}
	}
}
