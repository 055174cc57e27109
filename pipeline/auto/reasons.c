/*
 * reasons.c: what auto says: names of kinds, classes and reasons, a reason and a plan in words, and the figures that it
 * takes for the machine's. A reason's name is the code in JSON and in the manual page; it never changes.
 */
#include <errno.h>
#include <stdio.h>

#include "pipeline/auto/decide_internal.h"

/* Measured on a virtual machine with 2 CPUs (AMD EPYC, Zen 4; Linux 6.18, glibc 2.36, libgomp 12) and rounded. */
const struct ccp_costs ccp_costs_default = {
	.thread = 24e3,
	.omp = 6.0e6,       /* a pool at work gives way to a team: 5 to 8 ms, though a team alone starts in 0.8 */
	.fork = 650e3,      /* fork alone 0.24 ms; with the start of the worker */
	.loop = 60e3,       /* io_uring 15 us, eventfd, epoll, a thread */
	.handoff = 6e3,     /* a queue that wakes somebody; 0.1 us while it never runs empty */
	.ring = 7e3,
	.op = 600,
	.page = 700,        /* with huge pages; up to 3.4 us without */
	.page_shared = 4500,
};

const char *ccp_kind_name(enum ccp_kind kind)
{
	static const char *const names[CCP_KINDS] = { "serial", "omp", "threads", "async", "proc" };

	return (unsigned)kind < CCP_KINDS ? names[kind] : "?";
}

const char *ccp_class_name(enum ccp_class class)
{
	static const char *const names[CCP_CLASSES] = { "none",      "cpu",         "mixed",  "wait_poll",
							"wait_file", "wait_opaque", "starved" };

	return (unsigned)class < CCP_CLASSES ? names[class] : "?";
}

const char *ccp_reason_name(enum ccp_reason_code code)
{
	static const char *const names[CCP_WHYS] = {
		[CCP_WHY_NONE] = "NONE",
		[CCP_WHY_SMALL] = "SMALL",
		[CCP_WHY_DONE_IN_PROBE] = "DONE_IN_PROBE",
		[CCP_WHY_LOW_CONFIDENCE] = "LOW_CONFIDENCE",
		[CCP_WHY_CPU_SHARE] = "CPU_SHARE",
		[CCP_WHY_MIXED_SHARE] = "MIXED_SHARE",
		[CCP_WHY_WAIT_SHARE] = "WAIT_SHARE",
		[CCP_WHY_POLLABLE] = "POLLABLE",
		[CCP_WHY_COLD_FILE] = "COLD_FILE",
		[CCP_WHY_OPAQUE] = "OPAQUE",
		[CCP_WHY_STARVED] = "STARVED",
		[CCP_WHY_BUSY] = "BUSY",
		[CCP_WHY_CPUS] = "CPUS",
		[CCP_WHY_GOETZ] = "GOETZ",
		[CCP_WHY_LITTLE] = "LITTLE",
		[CCP_WHY_FEW_LEFT] = "FEW_LEFT",
		[CCP_WHY_SEQUENTIAL] = "SEQUENTIAL",
		[CCP_WHY_MEMORY] = "MEMORY",
		[CCP_WHY_ISOLATE] = "ISOLATE",
		[CCP_WHY_PREDICTED] = "PREDICTED",
		[CCP_WHY_SIMPLER] = "SIMPLER",
		[CCP_WHY_NO_GAIN] = "NO_GAIN",
		[CCP_WHY_FUSED] = "FUSED",
		[CCP_WHY_PROC_PRICE] = "PROC_PRICE",
		[CCP_WHY_NOT_STARTED] = "NOT_STARTED",
		[CCP_WHY_VERIFIED] = "VERIFIED",
		[CCP_WHY_SLOWER] = "SLOWER",
		[CCP_WHY_BANDWIDTH] = "BANDWIDTH",
		[CCP_WHY_ELASTIC] = "ELASTIC",
		[CCP_WHY_INELASTIC] = "INELASTIC",
		[CCP_WHY_BOTTLENECK] = "BOTTLENECK",
		[CCP_WHY_IDLE] = "IDLE",
		[CCP_WHY_WORSE_THAN_SERIAL] = "WORSE_THAN_SERIAL",
		[CCP_WHY_CLASS_CHANGED] = "CLASS_CHANGED",
		[CCP_WHY_MEMORY_PRESSURE] = "MEMORY_PRESSURE",
	};

	return (unsigned)code < CCP_WHYS && names[code] ? names[code] : "?";
}

/* --- numbers in words -------------------------------------------------------------------------------------------- */

struct words {
	char text[32];
};

static struct words duration(double seconds)
{
	struct words words;

	if (seconds >= 1)
		snprintf(words.text, sizeof words.text, "%.2f s", seconds);
	else if (seconds >= 1e-3)
		snprintf(words.text, sizeof words.text, "%.3g ms", seconds * 1e3);
	else
		snprintf(words.text, sizeof words.text, "%.3g us", seconds * 1e6);
	return words;
}

static struct words size_of(double bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	struct words words;
	unsigned unit = 0;

	for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1024;
	snprintf(words.text, sizeof words.text, "%.4g %s", bytes, units[unit]);
	return words;
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

static void decided(const struct ccp_reason *reason, char *text, size_t size)
{
	double value = reason->value, threshold = reason->threshold;

	switch (reason->code) {
	case CCP_WHY_SMALL:
		snprintf(text, size, "all inputs together are %s, at most %s", size_of(value).text,
			 size_of(threshold).text);
		break;
	case CCP_WHY_DONE_IN_PROBE:
		snprintf(text, size, "the input ended while it was being measured");
		break;
	case CCP_WHY_LOW_CONFIDENCE:
		if (value < 1)
			snprintf(text, size, "nothing was measured");
		else
			snprintf(text, size, "only %.0f %s measured", value, value < 2 ? "chunk was" : "chunks were");
		break;
	case CCP_WHY_CPU_SHARE:
		snprintf(text, size, "CPU share %.2f >= %.2f", value, threshold);
		break;
	case CCP_WHY_MIXED_SHARE:
		snprintf(text, size, "CPU share %.2f, between %.2f and %.2f", value, CCP_SHARE_WAIT, CCP_SHARE_CPU);
		break;
	case CCP_WHY_WAIT_SHARE:
		snprintf(text, size, "waits %.0f %% of its time (CPU share %.2f <= %.2f)", 100 * (1 - value), value,
			 threshold);
		break;
	case CCP_WHY_POLLABLE:
		snprintf(text, size, "the input is a pipe, socket or terminal");
		break;
	case CCP_WHY_COLD_FILE:
		if (value < 0)
			snprintf(text, size, "a local file; how much of it is cached is unknown");
		else
			snprintf(text, size, "%.0f %% of the file is cached, less than %.0f %%", 100 * value,
				 100 * threshold);
		break;
	case CCP_WHY_OPAQUE:
		snprintf(text, size, "the waits are inside a call: nobody else can wait for it");
		break;
	case CCP_WHY_STARVED:
		snprintf(text, size, "the source takes %.0f %% of the time, at least %.0f %%: workers cannot hurry it",
			 100 * value, 100 * threshold);
		break;
	case CCP_WHY_BUSY:
		snprintf(text, size, "others use the CPUs: run-queue share %.2f > %.2f", value, threshold);
		break;
	default:
		snprintf(text, size, "no reason is given");
	}
}

static void chosen(const struct ccp_reason *reason, char *text, size_t size)
{
	double value = reason->value, threshold = reason->threshold;

	switch (reason->code) {
	case CCP_WHY_CPUS:
		snprintf(text, size, "%.0f %s", value, value < 2 ? "CPU, one worker" : "CPUs, a worker for each");
		break;
	case CCP_WHY_GOETZ:
		snprintf(text, size, "%.0f workers: CPUs / CPU share %.2f, and some to spare%s", value, threshold,
			 value >= CCP_DEGREE_MAX ? ", but no more" : "");
		break;
	case CCP_WHY_LITTLE:
		snprintf(text, size, "%.0f at once: %.4g jobs a second is the most that the other limits allow", value,
			 threshold);
		break;
	case CCP_WHY_FEW_LEFT:
		snprintf(text, size, "%.0f at once: more would not pay for their start, with work for %s left", value,
			 duration(threshold).text);
		break;
	case CCP_WHY_SEQUENTIAL:
		if (value < 1)
			snprintf(text, size, "one input's work cannot be split: parallel across inputs only");
		else
			snprintf(text, size, "one input's work cannot be split: at most %.0f input%s at once", value,
				 value < 2 ? "" : "s");
		break;
	case CCP_WHY_MEMORY:
		snprintf(text, size, "held to %.0f by the memory budget of %s", value, size_of(threshold).text);
		break;
	case CCP_WHY_ISOLATE:
		snprintf(text, size, "worker processes, as --isolate asks");
		break;
	case CCP_WHY_PREDICTED:
		snprintf(text, size, "predicted %s, serial %s", duration(value).text, duration(threshold).text);
		break;
	case CCP_WHY_SIMPLER:
		snprintf(text, size, "simpler than the best plan, and within %.1f %% of its time (limit %.0f %% or %s)",
			 100 * value, 100 * threshold, duration(CCP_TIE_NS / 1e9).text);
		break;
	case CCP_WHY_NO_GAIN:
		snprintf(text, size, "no plan beats serial by more than %.0f %% or %s", 100 * CCP_TIE_SHARE,
			 duration(CCP_TIE_NS / 1e9).text);
		break;
	case CCP_WHY_FUSED:
		snprintf(text, size, "the stages share workers: a queue between two would cost %s of CPU time",
			 duration(value).text);
		break;
	case CCP_WHY_PROC_PRICE:
		snprintf(text, size, "worker processes would take %s longer", duration(value).text);
		break;
	case CCP_WHY_NOT_STARTED:
		if ((int)value == ENOMEM)
			snprintf(text, size, "more workers would not fit the memory budget");
		else
			snprintf(text, size, "the workers could not be started (error %.0f)", value);
		break;
	default:
		decided(reason, text, size);
	}
}

void ccp_reason_text(const struct ccp_reason *reason, char *text, size_t size)
{
	double value = reason->value, threshold = reason->threshold;

	switch (reason->code) {
	case CCP_WHY_VERIFIED:
		snprintf(text, size, "the rate is %.2f of the predicted, within %.2f", value, threshold);
		break;
	case CCP_WHY_SLOWER:
		snprintf(text, size, "the rate is %.2f of the predicted, below %.2f: half the workers are tried",
			 value, threshold);
		break;
	case CCP_WHY_BANDWIDTH:
		snprintf(text, size, "half the workers gave %.2f of the rate: the source's bandwidth is the limit",
			 value);
		break;
	case CCP_WHY_ELASTIC:
		snprintf(text, size, "more workers pay: elasticity %.2f >= %.2f", value, threshold);
		break;
	case CCP_WHY_INELASTIC:
		snprintf(text, size, "more workers do not pay: elasticity %.2f < %.2f; undone", value, threshold);
		break;
	case CCP_WHY_BOTTLENECK:
		snprintf(text, size, "its workers are busy %.0f %% of the time, more than %.0f %%", 100 * value,
			 100 * threshold);
		break;
	case CCP_WHY_IDLE:
		snprintf(text, size, "its workers are busy %.0f %% of the time, less than %.0f %%", 100 * value,
			 100 * threshold);
		break;
	case CCP_WHY_WORSE_THAN_SERIAL:
		snprintf(text, size, "the rate was %.2f of the serial rate, twice: one worker from now on", value);
		break;
	case CCP_WHY_CLASS_CHANGED:
		snprintf(text, size, "the CPU share is now %.2f, past %.2f for three windows", value, threshold);
		break;
	case CCP_WHY_MEMORY_PRESSURE:
		snprintf(text, size, "the system waits for memory %.0f %% of the time, more than %.0f %%", 100 * value,
			 100 * threshold);
		break;
	default:
		chosen(reason, text, size);
	}
}

void ccp_choice_text(const struct ccp_stage_choice choice[CCP_STAGES], char *text, size_t size)
{
	size_t used = 0;

	if (size > 0)
		text[0] = '\0';
	if (choice[CCP_READ].exec == choice[CCP_WORK].exec && choice[CCP_WORK].exec == choice[CCP_WRITE].exec) {
		if (choice[CCP_READ].kind == CCP_KIND_SERIAL)
			snprintf(text, size, "serial");
		else
			snprintf(text, size, "%s x%u", ccp_kind_name(choice[CCP_READ].kind), choice[CCP_READ].degree);
		return;
	}
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		const char *stage = ccp_stage_name((enum ccp_stage)s), *comma = s > 0 ? ", " : "";
		const char *kind = ccp_kind_name(choice[s].kind);
		int length;

		if (s > 0 && choice[s].exec == choice[s - 1].exec)
			length = snprintf(text + used, size - used, "%s%s with %s", comma, stage,
					  ccp_stage_name((enum ccp_stage)(s - 1)));
		else if (choice[s].kind == CCP_KIND_SERIAL)
			length = snprintf(text + used, size - used, "%s%s %s", comma, stage, kind);
		else
			length = snprintf(text + used, size - used, "%s%s %s x%u", comma, stage, kind,
					  choice[s].degree);
		if (length < 0 || (size_t)length >= size - used)
			return; /* cut short, and ended */
		used += (size_t)length;
	}
}

void ccp_decision_text(const struct ccp_decision *decision, char *text, size_t size)
{
	ccp_choice_text(decision->stage, text, size);
}
