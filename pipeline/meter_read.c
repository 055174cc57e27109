/*
 * meter_read.c: sums over accounts, for reports and for auto.
 *
 * A copy of an account's figures is taken between two marks: since_ns is the same, and not 0, before and after. Of a
 * busy state's wall, the long intervals are known; the rest is divided in proportion to its sampled part. The interval
 * that is open is added to the state's wall up to now and divided likewise, unless it is long and was sampled from its
 * begin: then the thread's schedstat, which any process may read, tells what became of it so far.
 */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/meter.h"
#include "pipeline/meter_internal.h"

#define TRIES 64          /* a mark changes the figures within 100 ns or so, unless its worker is preempted in it */
#define ASK_NS 20000000   /* schedstat's first field is brought up to date by ticks, of 10 ms at most */

/* Figures of one account between two marks. Units: ns. */
struct copy {
	uint64_t since, ended, wall[CCP_METER_STATES];
	unsigned state;
	bool sampling;
	uint64_t sampled[CCP_METER_BUSY], cpu[CCP_METER_BUSY], runq[CCP_METER_BUSY], blocked[CCP_METER_BUSY];
	uint64_t long_cpu[CCP_METER_BUSY], long_runq[CCP_METER_BUSY], long_blocked[CCP_METER_BUSY];
	uint64_t cpu_clock, runq_clock;
};

static void copy_figures(const struct ccp_meter_account *account, struct copy *copy)
{
	for (unsigned s = 0; s < CCP_METER_STATES; s++)
		copy->wall[s] = ccp_meter_get(&account->wall_ns[s]);
	for (unsigned s = 0; s < CCP_METER_BUSY; s++) {
		copy->sampled[s] = ccp_meter_get(&account->sampled_ns[s]);
		copy->cpu[s] = ccp_meter_get(&account->cpu_ns[s]);
		copy->runq[s] = ccp_meter_get(&account->runq_ns[s]);
		copy->blocked[s] = ccp_meter_get(&account->blocked_ns[s]);
		copy->long_cpu[s] = ccp_meter_get(&account->long_cpu_ns[s]);
		copy->long_runq[s] = ccp_meter_get(&account->long_runq_ns[s]);
		copy->long_blocked[s] = ccp_meter_get(&account->long_blocked_ns[s]);
	}
	copy->cpu_clock = ccp_meter_get(&account->cpu_clock);
	copy->runq_clock = ccp_meter_get(&account->runq_clock);
	copy->sampling = atomic_load_explicit(&account->sampling, memory_order_acquire);
	copy->state = atomic_load_explicit(&account->state, memory_order_acquire);
	copy->ended = ccp_meter_get(&account->ended_ns);
}

/* Gives up after some tries: a worker process can have been killed in a mark, or stopped. */
static void take_copy(const struct ccp_meter_account *account, struct copy *copy)
{
	for (unsigned i = 0; i < TRIES; i++) {
		copy->since = ccp_meter_get(&account->since_ns);
		if (copy->since > 0) {
			copy_figures(account, copy);
			if (ccp_meter_get(&account->since_ns) == copy->since)
				return;
		}
		if (i >= TRIES / 2)
			sched_yield();
	}
	copy_figures(account, copy);
	copy->since = 0;
}

/* Divides `wall` in the proportions of the parts, or as CPU if there are none. */
static struct ccp_meter_times in_proportion(double wall, double cpu, double runq, double blocked)
{
	double sum = cpu + runq + blocked;
	struct ccp_meter_times times = { .wall = wall };

	times.runq = sum > 0 ? wall * runq / sum : 0;
	times.blocked = sum > 0 ? wall * blocked / sum : 0;
	times.cpu = wall - times.runq - times.blocked;
	if (times.cpu < 0) /* rounding */
		times.cpu = 0;
	return times;
}

static void add_times(struct ccp_meter_times *sum, const struct ccp_meter_times *more)
{
	sum->wall += more->wall;
	sum->cpu += more->cpu;
	sum->runq += more->runq;
	sum->blocked += more->blocked;
}

/* What the closed intervals of a busy state come to. */
static struct ccp_meter_times closed_times(const struct copy *copy, unsigned s)
{
	double cpu = (double)copy->long_cpu[s], runq = (double)copy->long_runq[s];
	double blocked = (double)copy->long_blocked[s], all_long = cpu + runq + blocked;
	double wall = (double)copy->wall[s];
	double rest = wall > all_long ? wall - all_long : 0; /* less only in a copy that could not be had whole */
	struct ccp_meter_times times =
		in_proportion(rest, (double)copy->cpu[s], (double)copy->runq[s], (double)copy->blocked[s]);

	times.wall = all_long + rest;
	times.cpu += cpu;
	times.runq += runq;
	times.blocked += blocked;
	return times;
}

/* Asks the kernel for the time of another thread or process. Returns -1 if it has ended. */
static int ask(const struct ccp_meter_account *account, uint64_t *cpu, uint64_t *runq)
{
	char path[64], line[80];

	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", atomic_load(&account->pid),
		 atomic_load(&account->tid));

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;

	ssize_t got = read(fd, line, sizeof line - 1);

	close(fd);
	if (got <= 0)
		return -1;
	line[got] = '\0';
	return ccp_meter_parse_schedstat(line, cpu, runq);
}

/*
 * Divides the open interval of a busy state, `length` long up to now. If nothing is known of the state and nothing can
 * be asked, it is CPU.
 */
static struct ccp_meter_times open_times(const struct ccp_meter_account *account, const struct copy *copy,
					 const struct ccp_meter_times *closed, uint64_t length)
{
	uint64_t cpu, runq;

	if (!copy->sampling || length < ASK_NS || ask(account, &cpu, &runq) < 0)
		return in_proportion((double)length, closed->cpu, closed->runq, closed->blocked);
	cpu = cpu > copy->cpu_clock ? cpu - copy->cpu_clock : 0;
	runq = runq > copy->runq_clock ? runq - copy->runq_clock : 0;
	if (cpu > length)
		cpu = length;
	if (runq > length - cpu)
		runq = length - cpu;
	return in_proportion((double)length, (double)cpu, (double)runq, (double)(length - cpu - runq));
}

static void add_account(const struct ccp_meter_account *account, struct ccp_meter_sum *sum)
{
	struct copy copy;

	take_copy(account, &copy);

	uint64_t now = ccp_meter_now();
	uint64_t length = copy.ended == 0 && copy.since > 0 && now > copy.since ? now - copy.since : 0;

	for (unsigned s = 0; s < CCP_METER_BUSY; s++) {
		struct ccp_meter_times closed = closed_times(&copy, s);

		add_times(&sum->busy[s], &closed);
		sum->life += closed.wall;
		if (length > 0 && copy.state == s) {
			struct ccp_meter_times open_part = open_times(account, &copy, &closed, length);

			add_times(&sum->busy[s], &open_part);
			sum->life += open_part.wall;
		}
	}
	if (copy.state >= CCP_METER_BUSY)
		copy.wall[copy.state] += length;
	sum->wait_in += (double)copy.wall[CCP_METER_WAIT_IN];
	sum->wait_out += (double)copy.wall[CCP_METER_WAIT_OUT];
	if (account->aside)
		copy.wall[CCP_METER_PARKED] = 0;
	sum->parked += (double)copy.wall[CCP_METER_PARKED];
	for (unsigned s = CCP_METER_BUSY; s < CCP_METER_STATES; s++)
		sum->life += (double)copy.wall[s];
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		sum->jobs[s] += ccp_meter_get(&account->jobs[s]);
		sum->bytes_in[s] += ccp_meter_get(&account->bytes_in[s]);
		sum->bytes_out[s] += ccp_meter_get(&account->bytes_out[s]);
		sum->service[s] += (double)ccp_meter_get(&account->service_ns[s]);
	}
	sum->life_cpu += (double)ccp_meter_get(&account->life_cpu_ns);
	sum->switches_vol += ccp_meter_get(&account->switches_vol);
	sum->switches_inv += ccp_meter_get(&account->switches_inv);
	sum->workers++;
}

/* Whether the account is in use and of this executor (negative = any). */
static bool belongs(const struct ccp_meter_account *account, int exec)
{
	return atomic_load_explicit(&account->strategy, memory_order_acquire) &&
	       (exec < 0 || account->exec == (unsigned)exec);
}

void ccp_meter_read(struct ccp_meter *meter, int exec, struct ccp_meter_sum *sum)
{
	size_t count;
	struct ccp_meter_account *account = ccp_meter_accounts(meter, &count);

	memset(sum, 0, sizeof *sum);
	for (size_t i = 0; i < count; i++)
		if (belongs(&account[i], exec) && ccp_meter_get(&account[i].begun_ns) != 0)
			add_account(&account[i], sum);
}

static void subtract(double *later, double earlier)
{
	*later = *later > earlier ? *later - earlier : 0;
}

static void subtract_count(uint64_t *later, uint64_t earlier)
{
	*later = *later > earlier ? *later - earlier : 0;
}

static void subtract_times(struct ccp_meter_times *later, const struct ccp_meter_times *earlier)
{
	subtract(&later->wall, earlier->wall);
	subtract(&later->cpu, earlier->cpu);
	subtract(&later->runq, earlier->runq);
	subtract(&later->blocked, earlier->blocked);
	*later = in_proportion(later->wall, later->cpu, later->runq, later->blocked);
}

void ccp_meter_subtract(struct ccp_meter_sum *later, const struct ccp_meter_sum *earlier)
{
	subtract(&later->wait_in, earlier->wait_in);
	subtract(&later->wait_out, earlier->wait_out);
	subtract(&later->parked, earlier->parked);
	later->life = later->wait_in + later->wait_out + later->parked;
	for (unsigned s = 0; s < CCP_METER_BUSY; s++) {
		subtract_times(&later->busy[s], &earlier->busy[s]);
		later->life += later->busy[s].wall;
	}
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		subtract_count(&later->jobs[s], earlier->jobs[s]);
		subtract_count(&later->bytes_in[s], earlier->bytes_in[s]);
		subtract_count(&later->bytes_out[s], earlier->bytes_out[s]);
		subtract(&later->service[s], earlier->service[s]);
	}
	subtract(&later->life_cpu, earlier->life_cpu);
	subtract_count(&later->switches_vol, earlier->switches_vol);
	subtract_count(&later->switches_inv, earlier->switches_inv);
}

/* The quantile's rank lies in the middle of a job's place in its bin; a bin's jobs are taken to be spread evenly. */
double ccp_meter_quantile(struct ccp_meter *meter, int exec, enum ccp_stage stage, double q)
{
	uint64_t bins[CCP_METER_BINS] = { 0 }, total = 0;
	size_t count;
	struct ccp_meter_account *account = ccp_meter_accounts(meter, &count);

	for (size_t i = 0; i < count; i++) {
		if (!belongs(&account[i], exec))
			continue;
		for (unsigned b = 0; b < CCP_METER_BINS; b++) {
			uint32_t jobs = atomic_load_explicit(&account[i].bins[stage][b], memory_order_relaxed);

			bins[b] += jobs;
			total += jobs;
		}
	}
	if (total == 0)
		return 0;

	double rank = fmin(fmax(q, 0), 1) * (double)(total - 1) + 0.5;

	for (unsigned b = 0; b < CCP_METER_BINS; b++) {
		if (rank < (double)bins[b])
			return ldexp(1 + (b % 4 + rank / (double)bins[b]) / 4, (int)(b / 4));
		rank -= (double)bins[b];
	}
	return ldexp(1, CCP_METER_BINS / 4);
}

struct ccp_meter_account *ccp_meter_accounts(struct ccp_meter *meter, size_t *count)
{
	*count = meter ? atomic_load(&meter->count) : 0;
	return meter ? meter->account : NULL;
}

uint64_t ccp_meter_spans(struct ccp_meter *meter, const struct ccp_meter_account *account,
			 void (*visit)(void *arg, const struct ccp_span *span), void *arg)
{
	if (!meter || !account || !account->spans)
		return 0;

	size_t capacity = account->span_capacity, first = ccp_meter_first_kept(capacity);
	uint64_t count = ccp_meter_get(&account->span_count);
	uint64_t dropped = count > capacity ? count - capacity : 0;

	for (uint64_t n = 0; n < count; n++) {
		if (n == first)
			n += dropped;
		visit(arg, &account->spans[ccp_meter_span_place(capacity, n)]);
	}
	return dropped;
}

const char *ccp_meter_state_name(enum ccp_meter_state state)
{
	static const char *const names[CCP_METER_STATES] = {
		"read", "work", "write", "hub", "wait_in", "wait_out", "parked",
	};

	return names[state];
}
