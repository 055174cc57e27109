/*
 * test_control_sim.c: the controller of `auto` in a closed loop with models of what a rate does when the number of
 * workers changes: flat, linear up to a limit, a knee, a peak (Gunther's USL), and work that changes half way. The
 * noise is the same in every run of the test.
 */
#include "tests/unit/control_help.h"

#define WINDOWS 100
#define SETTLED 6 /* windows */
#define SEEDS 40

struct model {
	const char *name;
	double (*rate)(unsigned n);
	double share; /* CPU share of WORK */
	unsigned degree, max;
	double predicted;
	double cpu_share; /* of the machine, with `degree` workers; grows with the rate */
	unsigned most;    /* workers that it may end with */
};

static double flat(unsigned n)
{
	(void)n;
	return 100;
}

static double linear_to_16(unsigned n)
{
	return 10 * fmin(n, 16);
}

static double linear(unsigned n)
{
	return 10 * n;
}

static double linear_to_4(unsigned n)
{
	return 25 * fmin(n, 4);
}

static double knee_at_8(unsigned n)
{
	return n <= 8 ? 10 * n : 80 + 0.05 * (n - 8);
}

/* Source: Gunther's universal scalability law; its peak is at 11 workers. */
static double peak(unsigned n)
{
	return 10 * n / (1 + 0.03 * (n - 1) + 0.008 * n * (n - 1));
}

static const struct model models[] = {
	{ "flat", flat, 0.1, 4, 64, 0, 0.1, 4 },
	{ "flat, as predicted", flat, 0.1, 4, 64, 100, 0.1, 4 },
	{ "flat, predicted to be linear", flat, 0.1, 16, 64, 1600, 0.1, 4 },
	{ "flat, mixed", flat, 0.5, 6, 64, 0, 0.5, 8 },
	{ "linear to a limit", linear_to_16, 0.1, 4, 64, 0, 0.1, 16 },
	{ "linear to a limit, as predicted", linear_to_16, 0.1, 16, 64, 160, 0.1, 16 },
	{ "linear to a limit, too much predicted", linear_to_16, 0.1, 32, 64, 320, 0.1, 32 },
	{ "linear to the most", linear, 0.1, 8, 32, 0, 0.1, 32 },
	{ "linear, CPU", linear_to_4, 1, 4, 64, 100, 1, 4 },
	{ "linear, CPU, much less than predicted", linear_to_4, 1, 4, 64, 400, 1, 4 },
	{ "linear, mixed", linear_to_4, 0.5, 3, 64, 0, 0.75, 4 },
	{ "knee", knee_at_8, 0.1, 4, 64, 0, 0.1, 8 },
	{ "peak", peak, 0.1, 4, 64, 0, 0.1, 16 },
	{ "peak, much too many at first", peak, 0.1, 32, 64, 300, 0.1, 16 },
};

/* Evenly within 1 +- `noise`. */
static double wobble(uint64_t *state, double noise)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return 1 + noise * (2 * (double)(*state >> 40) / (double)(1u << 24) - 1);
}

/* What a run of the loop did. Degrees are those at rest: a trial that is undone is no change of them. */
struct outcome {
	unsigned rest[WINDOWS]; /* after each window */
	bool resized[WINDOWS];  /* the degree was changed, for good or to try */
	unsigned asked;         /* CCP_ACT_REDECIDE */
	unsigned degree;        /* at the end, at rest */
};

static void show(struct rig *rig, const struct model *model, uint64_t *state, double noise, int i, struct outcome *out)
{
	double rate = model->rate(help_degree(rig)), first = model->rate(model->degree);
	bool trial;

	rig->seen.cpu_share = fmin(1, model->cpu_share * rate / first);
	out->resized[i] = help_step(rig, rate * wobble(state, noise)) == CCP_ACT_RESIZE;
	out->asked += rig->action.kind == CCP_ACT_REDECIDE;
	if (rig->action.kind == CCP_ACT_REDECIDE)
		ccp_control_redecided(&rig->control, false);
	trial = rig->control.phase == CCP_CONTROL_TRIAL || rig->control.phase == CCP_CONTROL_HALVED;
	out->degree = out->rest[i] = trial ? rig->control.trial.from : help_degree(rig);
}

static void begin(struct rig *rig, const struct model *model, struct outcome *out)
{
	*out = (struct outcome){ 0 };
	help_decide(rig, model->share, model->degree, model->max);
	rig->predicted_rate = model->predicted;
}

static void run(const struct model *model, uint64_t seed, double noise, struct outcome *out)
{
	uint64_t state = seed;
	struct rig rig;

	begin(&rig, model, out);
	help_begin(&rig);
	for (int i = 0; i < WINDOWS; i++)
		show(&rig, model, &state, noise, i, out);
	cr_expect_eq(out->asked, 0u, "%s", model->name);
}

static double best_by_doubling(const struct model *model)
{
	double best = 0;

	for (unsigned n = model->degree; n >= 1; n /= 2)
		best = fmax(best, model->rate(n));
	for (unsigned n = model->degree; n <= model->max; n *= 2)
		best = fmax(best, model->rate(n));
	return best;
}

/* Changes at rest after so many windows; *crowd: how many times the degree was set in any ten windows after them. */
static unsigned changes_after(const struct outcome *out, int from, unsigned *crowd)
{
	unsigned changes = 0;

	*crowd = 0;
	for (int i = from; i < WINDOWS; i++) {
		unsigned resized = 0;

		changes += out->rest[i] != out->rest[i - 1];
		for (int k = i; k < i + 10 && k < WINDOWS; k++)
			resized += out->resized[k];
		*crowd = resized > *crowd ? resized : *crowd;
	}
	return changes;
}

/* One model with one noise: at most so many changes at rest once it has settled, and these many workers in the end. */
static void expect_settled(const struct model *model, double noise, unsigned changes_most, unsigned most)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct outcome out;
		unsigned crowd, changes;

		run(model, seed, noise, &out);
		changes = changes_after(&out, SETTLED, &crowd);
		cr_expect(changes <= changes_most, "%s, noise %g, seed %d: %u changes", model->name, noise, (int)seed,
			  changes);
		cr_expect(crowd <= 2 + changes_most, "%s, noise %g, seed %d: more than a trial and its undoing: %u",
			  model->name, noise, (int)seed, crowd);
		cr_expect(model->rate(out.degree) >= 0.9 * best_by_doubling(model),
			  "%s, noise %g, seed %d: ends slow with %u", model->name, noise, (int)seed, out.degree);
		cr_expect(out.degree <= most, "%s, noise %g, seed %d: ends with %u", model->name, noise, (int)seed,
			  out.degree);
	}
}

Test(control_sim, settles_in_six_windows_near_the_best)
{
	for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
		expect_settled(&models[m], 0, 0, models[m].most);
		expect_settled(&models[m], 0.03, 0, models[m].most);
	}
}

Test(control_sim, settles_in_much_noise)
{
	for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
		const struct model *model = &models[m];

		/* Too many workers are no loss where more bring nothing; too few would be. */
		expect_settled(model, 0.08, 2, model->most > model->degree ? model->most : model->degree);
	}
}

Test(control_sim, work_that_changes_half_way_is_decided_again_once)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		static const struct model cpu = { "CPU", linear_to_4, 1, 4, 64, 100, 1, 4 };
		struct model now = cpu;
		uint64_t state = seed;
		struct outcome out;
		struct rig rig;

		begin(&rig, &now, &out);
		rig.serial_rate = 25;
		help_begin(&rig);
		for (int i = 0; i < WINDOWS; i++) {
			if (i == WINDOWS / 2) {
				now = (struct model){ "waiting", linear_to_16, 0.1, 4, 64, 0, 0.1, 16 };
				rig.share = now.share;
				cr_expect_eq(out.degree, 4u, "seed %d", (int)seed);
			}
			show(&rig, &now, &state, 0.08, i, &out);
		}
		cr_expect_eq(out.asked, 1u, "seed %d: %u times", (int)seed, out.asked);
		cr_expect_eq(out.degree, 16u, "seed %d: ends with %u", (int)seed, out.degree);
		cr_expect_not(rig.control.fell_back);
	}
}

static double three_times_dearer(unsigned n)
{
	return linear_to_4(n) / 3;
}

Test(control_sim, dearer_work_of_the_same_class_keeps_its_workers)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct model now = { "CPU", linear_to_4, 1, 2, 2, 50, 1, 2 };
		uint64_t state = seed;
		struct outcome out;
		struct rig rig;

		begin(&rig, &now, &out);
		rig.serial_rate = 25;
		help_begin(&rig);
		for (int i = 0; i < WINDOWS; i++) {
			if (i == WINDOWS / 2)
				now.rate = three_times_dearer;
			show(&rig, &now, &state, 0.08, i, &out);
		}
		cr_expect_eq(out.degree, 2u, "seed %d", (int)seed);
		cr_expect_eq(out.asked, 0u);
	}
}

/* Workers that are in each other's way. */
static double retrograde(unsigned n)
{
	return 100 / (1 + 0.3 * (n - 1));
}

Test(control_sim, worse_than_serial_ends_with_one)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		static const struct model model = { "retrograde", retrograde, 1, 4, 4, 400, 1, 1 };
		uint64_t state = seed;
		struct outcome out;
		struct rig rig;
		unsigned resized = 0;

		begin(&rig, &model, &out);
		rig.serial_rate = 100;
		help_begin(&rig);
		for (int i = 0; i < WINDOWS; i++) {
			show(&rig, &model, &state, 0.08, i, &out);
			resized += out.resized[i];
		}
		cr_expect_eq(out.degree, 1u, "seed %d: ends with %u", (int)seed, out.degree);
		cr_expect_eq(resized, 1u, "seed %d", (int)seed);
		cr_expect(rig.control.fell_back);
	}
}
