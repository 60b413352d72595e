package main

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
)

// drawing writes a small picture, a salmon in the sunset, for somebody to send, and
// returns its path.
func (r *runner) drawing() string {
	path := filepath.Join(r.dir(), "sockeye.png")
	f, err := os.Create(path)
	if err != nil {
		r.Fatalf("%v", err)
	}
	defer f.Close()
	if err := png.Encode(f, salmon(200, 105)); err != nil {
		r.Fatalf("%v", err)
	}
	return path
}

// salmon draws with four samples in each direction of a pixel.
func salmon(width, height int) image.Image {
	const samples = 4
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var sum [3]float64
			for i := range samples * samples {
				// The picture is 2 units high, with its middle at 0.
				sx := (float64(x) + (float64(i%samples)+0.5)/samples - float64(width)/2) * 2 / float64(height)
				sy := (float64(y) + (float64(i/samples)+0.5)/samples - float64(height)/2) * 2 / float64(height)
				c := colorAt(sx, sy)
				sum[0] += float64(c.R)
				sum[1] += float64(c.G)
				sum[2] += float64(c.B)
			}
			mean := func(v float64) uint8 { return uint8(v/(samples*samples) + 0.5) }
			img.SetRGBA(x, y, color.RGBA{mean(sum[0]), mean(sum[1]), mean(sum[2]), 255})
		}
	}
	return img
}

var (
	sky    = color.RGBA{0xfd, 0xe3, 0xc8, 255}
	sun    = color.RGBA{0xff, 0xb0, 0x5c, 255}
	water  = color.RGBA{0x1f, 0x5e, 0x7a, 255}
	wave   = color.RGBA{0x2f, 0x7c, 0x99, 255}
	red    = color.RGBA{0xd2, 0x3c, 0x2e, 255}
	shadow = color.RGBA{0xb0, 0x2c, 0x26, 255}
	green  = color.RGBA{0x4e, 0x6b, 0x3c, 255}
	white  = color.RGBA{0xff, 0xff, 0xff, 255}
	black  = color.RGBA{0x20, 0x20, 0x20, 255}
)

// colorAt returns what is at a point: a leaping fish with a green head, above waves.
func colorAt(x, y float64) color.RGBA {
	surface := 0.62 + 0.05*math.Sin(6*x)
	if y > surface {
		if y > surface+0.14+0.04*math.Sin(6*x+2) {
			return water
		}
		return wave
	}
	// The body lies along an arc: u runs along it from the tail, v across.
	dx, dy := x, y-0.75
	u, v := math.Atan2(dx, -dy)/1.05, math.Hypot(dx, dy)-0.95
	switch half := 0.26 * math.Sqrt(max(0, 1-u*u)) * (1 - 0.25*math.Abs(u-0.2)); {
	case u > 0.62 && math.Hypot((u-0.76)*1.0, v-0.03) < 0.035:
		return black
	case u > 0.62 && math.Hypot((u-0.76)*1.0, v-0.03) < 0.06:
		return white
	case math.Abs(v) < half && u > 0.6:
		return green
	case math.Abs(v) < half && v < -half/3:
		return shadow
	case math.Abs(v) < half:
		return red
	case u < -0.85 && u > -1.15 && math.Abs(v) < (-0.8-u)*0.9 && math.Abs(v) > (-1.02-u)*1.6: // the tail
		return shadow
	case u > -0.2 && u < 0.25 && v > 0 && v < half+0.14*(0.25-u)/0.45: // the fin
		return shadow
	case math.Hypot(x-1.1, y+0.35) < 0.3:
		return sun
	}
	return sky
}
