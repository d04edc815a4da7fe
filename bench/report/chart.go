package report

import (
	"bytes"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	ownColor  = color.RGBA{R: 0x00, G: 0x7d, B: 0x9c, A: 0xff}
	peerColor = color.RGBA{R: 0xb0, G: 0xb8, B: 0xc0, A: 0xff}
)

// chart draws a bar for each peer that was measured, asyncgo's on top, with what it has taken. The axis is
// logarithmic if a bar would be too short to be seen otherwise.
func (w Workload) chart() ([]byte, error) {
	var names []string
	var own, peers plotter.Values
	low, high := math.Inf(1), 0.0
	for i := len(w.Rows) - 1; i >= 0; i-- {
		row := w.Rows[i]
		if row.Absent {
			continue
		}
		names = append(names, row.Peer)
		mine, other := 0.0, row.Median
		if row.Peer == Asyncgo {
			mine, other = other, mine
		}
		own, peers = append(own, mine), append(peers, other)
		low, high = min(low, row.Median), max(high, row.Median)
	}
	p := plot.New()
	p.X.Label.Text = w.Unit
	p.X.Min, p.X.Max = 0, 1.15*high
	base := 0.0
	if low > 0 && high/low > 50 {
		base = math.Pow(10, math.Floor(math.Log10(low)))
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.X.Min, p.X.Max = base, 2*high
		p.X.Label.Text += ", logarithmic"
	}
	for _, series := range []struct {
		values plotter.Values
		color  color.Color
	}{{own, ownColor}, {peers, peerColor}} {
		p.Add(bars{values: series.values, base: base, color: series.color})
	}
	labels, err := plotter.NewLabels(ends(own, peers))
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(9)}
		labels.TextStyle[i].YAlign = text.YCenter
	}
	labels.Offset.X = vg.Points(4)
	p.Add(labels)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4

	height := vg.Points(float64(48 + 22*len(names)))
	canvas := vgsvg.New(vg.Points(520), height)
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(4), -vg.Points(8), vg.Points(4), -vg.Points(4)))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// ends returns where the bars end, with what is written there.
func ends(own, peers plotter.Values) plotter.XYLabels {
	var l plotter.XYLabels
	for i := range own {
		v := max(own[i], peers[i])
		l.XYs = append(l.XYs, plotter.XY{X: v, Y: float64(i)})
		l.Labels = append(l.Labels, formatValue(v))
	}
	return l
}

// bars are horizontal bars that begin at base, which those of package plotter cannot: they begin at zero, where
// a logarithmic axis has nothing.
type bars struct {
	values plotter.Values
	base   float64
	color  color.Color
}

// Plot implements [plot.Plotter].
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	half := vg.Points(7)
	for i, v := range b.values {
		if v <= b.base {
			continue
		}
		y := toY(float64(i))
		left, right := toX(b.base), toX(v)
		c.FillPolygon(b.color, []vg.Point{
			{X: left, Y: y - half}, {X: right, Y: y - half}, {X: right, Y: y + half}, {X: left, Y: y + half},
		})
	}
}
