# scripts/bench-auto.awk: the last lines of `scripts/bench auto`, from its results.tsv.
#
# In: "time", workload, "counted" or "beside", setting, median, least, most [ms]; "class", workload, the same, 1 if auto
# found the class that the workload was built for.
#
# Jobs are sorted by the time of the best fixed setting. The gap is that between the single fixed setting that is best
# over all workloads, and a seer who takes the best for each: auto closes this share of it.

BEGIN { FS = "\t" }
$1 == "class" && $3 == "counted" { classes++; hits += $4; if (!$4) missed = missed " " $2 }
$1 == "time" && $3 == "counted" {
	if (!($2 in best)) id[++rows] = $2
	time[$2, $4] = $5
	if ($4 == "replay") next
	if ($4 == "auto") next
	if (!(($2) in best) || $5 < best[$2]) best[$2] = $5
	settings[$4]
}
function gap(from,    s, i, r, all, one, ours, n, single, least) {
	for (s in settings) {
		all = 1; r = n = 0
		for (i = 1; i <= rows; i++) {
			if (best[id[i]] < from) continue
			n++
			if (!((id[i], s) in time)) { all = 0; break }
			r += log(time[id[i], s] / best[id[i]])
		}
		if (all && n && (single == "" || r / n < least)) { single = s; least = r / n }
	}
	for (i = n = 0; i++ < rows;)
		if (best[id[i]] >= from) { n++; ours += log(time[id[i], "auto"] / best[id[i]]) }
	if (!n || single == "") return
	one = exp(least); ours = exp(ours / n)
	printf "  %-38s %s: %s %.2f x the best, auto %.2f x", from ? "without those shorter than 50 ms" : "gap closed",
		n " workloads, best single setting", single, one, ours
	if (one > 1.02) printf ": %.2f (aim >= 0.8)", (one - ours) / (one - 1)
	print ""
}
END {
	for (i = 1; i <= rows; i++) {
		w = id[i]; a = time[w, "auto"]; r = a / best[w]
		k = best[w] >= 1000 ? 1 : best[w] >= 50 ? 2 : 3
		n[k]++; sum[k] += log(r)
		if (!(k in worst) || (k < 3 ? r > worst[k] : a - best[w] > worst[k])) {
			worst[k] = k < 3 ? r : a - best[w]
			which[k] = w
		}
		limit = 1.05 * time[w, "serial"] + 6
		if (a > limit) slower = slower sprintf(" %s (%.0f ms, serial %.0f)", w, a, time[w, "serial"])
	}
	if (n[1]) printf "  %-38s geometric mean of the regret %.3f (aim <= 1.05), worst %.2f in %s (aim <= 1.20)\n",
		"1 s and longer, " n[1] " workloads", exp(sum[1] / n[1]), worst[1], which[1]
	if (n[2]) printf "  %-38s geometric mean of the regret %.3f (aim <= 1.15), worst %.2f in %s\n",
		"50 ms to 1 s, " n[2] " workloads", exp(sum[2] / n[2]), worst[2], which[2]
	if (n[3]) printf "  %-38s greatest loss %.1f ms in %s (aim <= 6)\n", "shorter, " n[3] " workloads", worst[3],
		which[3]
	printf "  %-38s%s\n", "slower than 1.05 x serial + 6 ms", slower == "" ? " none (aim)" : slower
	gap(0)
	gap(50)
	printf "  %-38s %d of %d%s\n", "class found", hits, classes, missed == "" ? " (aim)" : ", missed:" missed
}
