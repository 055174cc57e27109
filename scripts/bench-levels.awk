# scripts/bench-levels.awk: the picture of `scripts/bench levels`, an SVG, from its results.tsv.
#
# In: data, program, level, bytes in, bytes out, us. A panel for each kind of data: across is MB/s, on a logarithmic
# scale; up is bytes in / bytes out; a line for each program, from level to level, each with its number. What was
# measured on a part of the data only (program NAME-part) is not drawn: its ratios are those of other data.

BEGIN {
	FS = "\t"
	wide = 560; high = 380; left = 56; right = 16; top = 34; bottom = 44; legend = 34
	split("#c1121f #1d6fb8 #2a9134 #8e44ad #b8860b #555555", colours, " ")
}

$2 ~ /-part$/ { next }

!($1 in panel) { panel[$1] = ++panels; kind[panels] = $1 }
!($2 in number) { number[$2] = ++programs; name[programs] = $2 }
{
	p = panel[$1]
	n = ++points[p, $2]
	speed[p, $2, n] = $4 / $6
	ratio[p, $2, n] = $4 / $5
	level[p, $2, n] = $3
	if (!(p in slowest) || $4 / $6 < slowest[p]) slowest[p] = $4 / $6
	if ($4 / $6 > fastest[p]) fastest[p] = $4 / $6
	if (!(p in least) || $4 / $5 < least[p]) least[p] = $4 / $5
	if ($4 / $5 > most[p]) most[p] = $4 / $5
}

function text(x, y, size, anchor, colour, words) {
	printf "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
		x, y, size, anchor, colour, words
}
function line(x1, y1, x2, y2, colour) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour
}
function x_of(p, v) { return x0 + (log(v) - log(slowest[p])) / (log(fastest[p]) - log(slowest[p])) * (x1 - x0) }
function y_of(p, v) { return y1 - (v - least[p]) / (most[p] - least[p]) * (y1 - y0) }

function scales(p,    decade, i, v, step, range, digits) {
	for (decade = 0.01; decade < 1e6; decade *= 10)
		for (i = 1; i <= 5; i = i == 2 ? 5 : i * 2) {
			v = i * decade
			if (v < slowest[p] || v > fastest[p]) continue
			line(x_of(p, v), y0, x_of(p, v), y1, "#e4e4e4")
			text(x_of(p, v), y1 + 15, 11, "middle", "#333", v)
		}
	range = most[p] - least[p]
	for (step = 0.001; range / step > 8; step *= step_by(step)) continue
	digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0
	for (i = int(least[p] / step); i * step <= most[p]; i++) {
		if (i * step < least[p]) continue
		line(x0, y_of(p, i * step), x1, y_of(p, i * step), "#e4e4e4")
		text(x0 - 6, y_of(p, i * step) + 4, 11, "end", "#333", sprintf("%.*f", digits, i * step))
	}
	printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n",
		x0, y0, x1 - x0, y1 - y0
	text((x0 + x1) / 2, y1 + 33, 12, "middle", "#333", "MB/s")
	text(x0, y0 - 10, 14, "start", "#000", kind[p] ": bytes in / bytes out")
}
# 1, 2, 5, 10: what takes a step to the next
function step_by(step,    first) {
	first = sprintf("%.0e", step)
	return substr(first, 1, 1) == "2" ? 2.5 : 2
}

function draw(p, who, colour, width,    n, way, x, y) {
	for (n = 1; n <= points[p, who]; n++)
		way = way sprintf("%.1f,%.1f ", x_of(p, speed[p, who, n]), y_of(p, ratio[p, who, n]))
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>\n", way, colour, width
	for (n = 1; n <= points[p, who]; n++) {
		x = x_of(p, speed[p, who, n]); y = y_of(p, ratio[p, who, n])
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\">", x, y, colour
		printf "<title>%s -%s: %.3f, %.1f MB/s</title></circle>\n", who, level[p, who, n],
			ratio[p, who, n], speed[p, who, n]
		text(x + 4, y - 4, 9, "start", colour, level[p, who, n])
	}
}

END {
	columns = panels > 1 ? 2 : 1
	rows = int((panels + columns - 1) / columns)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\">\n",
		columns * wide, legend + rows * high
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	for (i = 1; i <= programs; i++) {
		x = left + (i - 1) * 80
		printf "<line x1=\"%d\" y1=\"20\" x2=\"%d\" y2=\"20\" stroke=\"%s\" stroke-width=\"3\"/>\n",
			x, x + 16, colours[i]
		text(x + 20, 24, 12, "start", "#000", name[i])
	}
	for (p = 1; p <= panels; p++) {
		x0 = (p - 1) % columns * wide + left; x1 = x0 + wide - left - right
		y0 = legend + int((p - 1) / columns) * high + top; y1 = y0 + high - top - bottom
		# some air around, and no zooming into what is the same
		slowest[p] /= 1.15; fastest[p] *= 1.15
		margin = (most[p] - least[p]) * 0.05
		if (most[p] - least[p] < 0.05) margin = 0.05
		least[p] -= margin; most[p] += margin
		scales(p)
		for (i = programs; i >= 1; i--)
			if ((p, name[i]) in points) draw(p, name[i], colours[i], i == 1 ? 2.5 : 1.2)
	}
	print "</svg>"
}
