package main

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// maxColors is the size of the palette: letters and areas need few.
const maxColors = 64

// compress encodes a PNG anew, with at most maxColors colors.
func compress(original []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(original))
	if err != nil {
		return nil, err
	}
	bounds := img.Bounds()
	count := make(map[color.RGBA]int)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[rgba(img.At(x, y))]++
		}
	}
	palette, index := quantize(count, maxColors)
	paletted := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			paletted.SetColorIndex(x, y, index[rgba(img.At(x, y))])
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, paletted)
	return b.Bytes(), err
}

func rgba(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }

// A shade is a color and how many pixels have it.
type shade struct {
	color.RGBA
	pixels int
}

func (s shade) channels() [3]uint8 { return [3]uint8{s.R, s.G, s.B} }

// A bucket is a set of shades that will become one color.
type bucket []shade

// quantize chooses at most n colors for those counted, and says which takes the place of
// each: median cut (Heckbert, "Color Image Quantization for Frame Buffer Display", 1982).
func quantize(count map[color.RGBA]int, n int) (color.Palette, map[color.RGBA]uint8) {
	all := make(bucket, 0, len(count))
	for c, pixels := range count {
		all = append(all, shade{c, pixels})
	}
	slices.SortFunc(all, func(a, b shade) int { // the order of maps is random, that of files is not
		return cmp.Or(cmp.Compare(b.pixels, a.pixels), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	// Areas keep their colors, which differ little in a good design.
	var buckets []bucket
	for len(all) > 1 && len(buckets) < n/4 {
		buckets = append(buckets, all[:1:1])
		all = all[1:]
	}
	buckets = append(buckets, all)
	for len(buckets) < n {
		worst, width := -1, 0
		for i, b := range buckets {
			if _, w := b.widest(); w*b.weight() > width {
				worst, width = i, w*b.weight()
			}
		}
		if worst < 0 {
			break // each has one color
		}
		a, b := buckets[worst].split()
		buckets[worst] = a
		buckets = append(buckets, b)
	}
	var palette color.Palette
	index := make(map[color.RGBA]uint8, len(count))
	for i, b := range buckets {
		palette = append(palette, b.mean())
		for _, s := range b {
			index[s.RGBA] = uint8(i)
		}
	}
	return palette, index
}

// weight is what the bucket counts when the worst is sought: large areas would
// otherwise take all colors, and the shades of letters none.
func (b bucket) weight() int {
	pixels := 0
	for _, s := range b {
		pixels += s.pixels
	}
	weight := 1
	for ; pixels > 1; pixels /= 2 {
		weight++
	}
	return weight
}

// widest returns the channel in which the shades are furthest apart, and how far.
func (b bucket) widest() (channel, width int) {
	for ch := range 3 {
		low, high := 255, 0
		for _, s := range b {
			v := int(s.channels()[ch])
			low, high = min(low, v), max(high, v)
		}
		if high-low > width {
			channel, width = ch, high-low
		}
	}
	return channel, width
}

// split cuts the bucket, which has two shades or more, in the middle of its widest
// channel.
func (b bucket) split() (low, high bucket) {
	channel, _ := b.widest()
	slices.SortStableFunc(b, func(x, y shade) int { return cmp.Compare(x.channels()[channel], y.channels()[channel]) })
	middle := (int(b[0].channels()[channel]) + int(b[len(b)-1].channels()[channel]) + 1) / 2
	cut := slices.IndexFunc(b, func(s shade) bool { return int(s.channels()[channel]) >= middle })
	return b[:cut:cut], b[cut:]
}

// mean returns the color of the bucket.
func (b bucket) mean() color.Color {
	var sum [3]int
	pixels := 0
	for _, s := range b {
		for i, v := range s.channels() {
			sum[i] += int(v) * s.pixels
		}
		pixels += s.pixels
	}
	return color.RGBA{uint8(sum[0] / pixels), uint8(sum[1] / pixels), uint8(sum[2] / pixels), 255}
}
