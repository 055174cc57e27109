/*
 * meter.c: marks: what a worker does to its account.
 *
 * A mark reads the clock once and adds the time since the last mark to the state that ends. That is all, unless the
 * interval was sampled: then the thread's CPU clock, run-queue delay and voluntary switches are read as well, and the
 * differences to the last reading divide the interval.
 *
 * What is sampled is a stretch: it begins with a stage (or with HUB after a wait) and lasts to a wait or to the next
 * stage that does not follow directly upon an earlier one; so it includes the HUB that comes after the stage. The
 * distance of two samples is random around k: a worker that goes round READ, WORK and WRITE would show the same stage
 * for ever if k were a multiple of 3.
 */
#include "pipeline/meter.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/meter_internal.h"

#define SAMPLE_NS 10000.0       /* what a sampled stretch costs at most: three readings of 2 to 3 us each */
#define SAMPLE_SHARE 0.005      /* of a worker's time may go there */
#define SAMPLE_EVERY_MAX 1000.0 /* k */
#define SAMPLE_FIRSTS 8         /* stretches of each state that are sampled whatever they cost */
#define SLEPT_NS 3000           /* a wait that was shorter will have found what it wanted without a switch */
#define WAIT_SPAN_NS 20000      /* shorter waits are not worth a span */
#define SPAN_BYTES_MAX ((size_t)4 << 30) /* of address space */

uint64_t ccp_meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- the accounts ------------------------------------------------------------------------------------------------ */

/* A trace is not worth failing for: with too little address space, fewer accounts have one. */
static void map_spans(struct ccp_meter *meter, size_t spans)
{
	size_t accounts = CCP_METER_ACCOUNTS;

	if (spans == 0 || spans > SPAN_BYTES_MAX / sizeof(struct ccp_span))
		return;
	while (accounts * spans > SPAN_BYTES_MAX / sizeof(struct ccp_span))
		accounts /= 2;
	for (; accounts > 0; accounts /= 2) {
		void *map = mmap(NULL, accounts * spans * sizeof(struct ccp_span), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (map != MAP_FAILED) {
			meter->spans = map;
			meter->span_capacity = spans;
			meter->span_accounts = accounts;
			return;
		}
	}
}

int ccp_meter_new(struct ccp_meter **out, size_t spans, struct ccp_err *err)
{
	struct ccp_meter *meter = mmap(NULL, sizeof *meter, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (meter == MAP_FAILED)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the accounts of time");
	map_spans(meter, spans);
	meter->descriptors = CCP_METER_ACCOUNTS;
	*out = meter;
	return 0;
}

void ccp_meter_free(struct ccp_meter *meter)
{
	if (!meter)
		return;

	size_t count;
	struct ccp_meter_account *account = ccp_meter_accounts(meter, &count);

	for (size_t i = 0; i < count; i++)
		ccp_meter_close_thread(&account[i]);
	if (meter->spans)
		munmap(meter->spans, meter->span_accounts * meter->span_capacity * sizeof *meter->spans);
	munmap(meter, sizeof *meter);
}

void ccp_meter_limit(struct ccp_meter *meter, unsigned descriptors)
{
	meter->descriptors = descriptors;
}

struct ccp_meter_account *ccp_meter_open(struct ccp_meter *meter, const char *strategy, unsigned exec, unsigned number)
{
	if (!meter)
		return NULL;

	unsigned i = atomic_load(&meter->count);

	do {
		if (i >= CCP_METER_ACCOUNTS)
			return NULL;
	} while (!atomic_compare_exchange_weak(&meter->count, &i, i + 1));

	struct ccp_meter_account *account = &meter->account[i];

	account->exec = exec;
	account->number = number;
	account->own.schedstat_fd = -1;
	account->own.deaf = i >= meter->descriptors;
	account->own.long_ns = CCP_METER_LONG_NS;
	account->own.random = (i + 1) * 2654435769u;
	if (i < meter->span_accounts) {
		account->spans = meter->spans + i * meter->span_capacity;
		account->span_capacity = meter->span_capacity;
	}
	atomic_store_explicit(&account->strategy, strategy, memory_order_release);
	return account;
}

/* --- marks ------------------------------------------------------------------------------------------------------- */

static void write_span(struct ccp_meter_account *account, const struct ccp_span *span)
{
	uint64_t n = atomic_load_explicit(&account->span_count, memory_order_relaxed);

	account->spans[ccp_meter_span_place(account->span_capacity, n)] = *span;
	ccp_meter_put(&account->span_count, n + 1);
}

static uint32_t span_bytes(const struct ccp_job *job)
{
	size_t bytes = job ? job->piece.in.len : 0;

	return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* Whether a stretch begins: a stage that does not go on with the same job, or the first HUB after a wait. */
static bool begins(unsigned state, unsigned next)
{
	if (next < CCP_METER_HUB)
		return state >= CCP_METER_HUB || next <= state;
	return next == CCP_METER_HUB && state > CCP_METER_HUB;
}

/* Whether the stretch that begins is to be sampled; sets the distance to the next one, and what is long. */
static bool choose(struct ccp_meter_account *account, unsigned next)
{
	double busy = 0, every;

	account->own.stretches++;
	if (account->own.firsts[next] < SAMPLE_FIRSTS) {
		account->own.firsts[next]++;
	} else if (account->own.countdown > 0) {
		account->own.countdown--;
		return false;
	}
	for (unsigned s = 0; s < CCP_METER_BUSY; s++)
		busy += (double)ccp_meter_get(&account->wall_ns[s]);
	every = SAMPLE_NS / SAMPLE_SHARE * (double)account->own.stretches;
	every = every < busy * SAMPLE_EVERY_MAX ? every / busy : SAMPLE_EVERY_MAX;

	double far = CCP_METER_LONG_RATIO * busy / (double)account->own.stretches;

	account->own.long_ns = far < CCP_METER_LONG_MIN_NS ? CCP_METER_LONG_MIN_NS
			       : far > CCP_METER_LONG_NS   ? CCP_METER_LONG_NS
							   : (uint64_t)far;

	uint32_t k = every > 1 ? (uint32_t)every + ((double)(uint32_t)every < every) : 1;

	/* Marsaglia's xorshift, 32 bits, shifts 13, 17, 5 */
	account->own.random ^= account->own.random << 13;
	account->own.random ^= account->own.random >> 17;
	account->own.random ^= account->own.random << 5;
	account->own.countdown = account->own.random % (2 * k - 1);
	return true;
}

/* What a mark has found out before it changes the figures. */
struct finding {
	uint64_t length; /* of the interval that ends */
	bool divided;    /* parts holds */
	bool read;       /* point holds */
	bool sample;     /* the next interval */
	struct ccp_meter_parts parts;
	struct ccp_meter_point point;
};

/* The change itself: short, because a reader waits for it, and a worker that is killed in it leaves it undone. */
static void commit(struct ccp_meter_account *account, unsigned next, uint64_t now, const struct finding *finding)
{
	unsigned state = atomic_load_explicit(&account->state, memory_order_relaxed);

	ccp_meter_put(&account->since_ns, 0);
	ccp_meter_add(&account->wall_ns[state], finding->length);
	if (finding->divided)
		ccp_meter_add_parts(account, state, finding->length, &finding->parts);
	if (finding->read)
		ccp_meter_keep(account, &finding->point);
	atomic_store_explicit(&account->sampling, finding->sample, memory_order_release);
	atomic_store_explicit(&account->state, next, memory_order_release);
	ccp_meter_put(&account->since_ns, now);
}

/* How long the present interval has lasted; 0 if a worker was killed while it marked. */
static uint64_t length_at(const struct ccp_meter_account *account, uint64_t now)
{
	uint64_t since = atomic_load_explicit(&account->since_ns, memory_order_relaxed);

	return since > 0 && now > since ? now - since : 0;
}

/* Ends the state's interval at `now`; `job` is what it was spent on, or NULL. */
static void advance(struct ccp_meter_account *account, unsigned next, uint64_t now, const struct ccp_job *job)
{
	unsigned state = atomic_load_explicit(&account->state, memory_order_relaxed);
	bool sampled = atomic_load_explicit(&account->sampling, memory_order_relaxed);
	struct finding finding;
	uint64_t length = length_at(account, now);

	finding.length = length;
	finding.divided = finding.read = finding.sample = false;
	if (sampled || length >= account->own.long_ns) {
		finding.read = true;
		finding.divided = ccp_meter_measure(account, &finding.point) && state < CCP_METER_BUSY;
		if (finding.divided)
			finding.parts = ccp_meter_divide(account, &finding.point, length);
	} else if (state >= CCP_METER_BUSY && length >= SLEPT_NS) {
		account->own.slept++;
	}
	if (next < CCP_METER_BUSY)
		finding.sample = begins(state, next) ? choose(account, next) : sampled;
	if (finding.sample && !finding.read) {
		finding.read = true;
		ccp_meter_measure(account, &finding.point);
	}
	commit(account, next, now, &finding);

	if (account->spans && length > 0 && (state < CCP_METER_BUSY || length >= WAIT_SPAN_NS)) {
		struct ccp_span span = { .begin_ns = now - length, .length_ns = length, .state = (uint8_t)state,
					 .seq = job ? job->seq : UINT64_MAX, .bytes = span_bytes(job) };

		write_span(account, &span);
	}
}

/* The first mark, or the first after the end. */
static void begin(struct ccp_meter_account *account, uint64_t now)
{
	struct ccp_meter_point point;

	ccp_meter_adopt(account, &point);
	if (ccp_meter_get(&account->begun_ns) == 0) {
		atomic_store_explicit(&account->state, CCP_METER_PARKED, memory_order_release);
		ccp_meter_put(&account->since_ns, now);
		ccp_meter_put(&account->begun_ns, now);
	}
	ccp_meter_put(&account->ended_ns, 0);
}

static bool is_open(struct ccp_meter_account *account)
{
	return atomic_load_explicit(&account->begun_ns, memory_order_relaxed) != 0 &&
	       atomic_load_explicit(&account->ended_ns, memory_order_relaxed) == 0;
}

static unsigned bin_of(uint64_t ns)
{
	unsigned doubling, quarter;

	if (ns == 0)
		return 0;
	doubling = 63 - (unsigned)__builtin_clzll(ns);
	quarter = (unsigned)(doubling >= 2 ? ns >> (doubling - 2) : ns << (2 - doubling)) & 3;
	if (doubling >= CCP_METER_BINS / 4)
		return CCP_METER_BINS - 1;
	return doubling * 4 + quarter;
}

static void count_job(struct ccp_meter_account *account, enum ccp_stage done, const struct ccp_job *job, uint64_t ns)
{
	_Atomic uint32_t *bin = &account->bins[done][bin_of(ns)];
	bool more = done != CCP_READ && ccp_job_goes_on(job);
	size_t in = done == CCP_WRITE ? job->piece.out.len : more ? 0 : job->piece.in.len;
	size_t out = done == CCP_READ ? job->piece.in.len : job->piece.out.len;

	ccp_meter_add(&account->jobs[done], !more);
	ccp_meter_add(&account->bytes_in[done], in);
	ccp_meter_add(&account->bytes_out[done], out);
	ccp_meter_add(&account->service_ns[done], ns);
	atomic_store_explicit(bin, atomic_load_explicit(bin, memory_order_relaxed) + 1, memory_order_relaxed);
}

void ccp_meter_mark(struct ccp_meter_account *account, enum ccp_meter_state state)
{
	if (!account)
		return;

	uint64_t now = ccp_meter_now();

	if (!is_open(account))
		begin(account, now);
	advance(account, state, now, NULL);
}

void ccp_meter_mark_job(struct ccp_meter_account *account, enum ccp_meter_state state, enum ccp_stage done,
			const struct ccp_job *job)
{
	if (!account)
		return;

	uint64_t now = ccp_meter_now();

	if (!is_open(account))
		begin(account, now);
	count_job(account, done, job, length_at(account, now));
	advance(account, state, now, job);
}

void ccp_meter_note(struct ccp_meter_account *account, enum ccp_stage done, const struct ccp_job *job,
		    uint64_t begin_ns)
{
	if (!account)
		return;

	uint64_t now = ccp_meter_now(), length = now > begin_ns ? now - begin_ns : 0;

	count_job(account, done, job, length);
	if (account->spans && length > 0) {
		struct ccp_span span = { .begin_ns = begin_ns, .length_ns = length, .seq = job->seq,
					 .bytes = span_bytes(job), .state = (uint8_t)done, .overlaps = 1 };

		write_span(account, &span);
	}
}

void ccp_meter_close(struct ccp_meter_account *account)
{
	struct ccp_meter_point point;

	if (!account || !is_open(account))
		return;

	uint64_t now = ccp_meter_now();

	if (atomic_load(&account->tid) == gettid()) {
		advance(account, CCP_METER_PARKED, now, NULL);
		ccp_meter_measure(account, &point);
		ccp_meter_keep(account, &point);
	} else { /* it is dead, and nothing can be read any more */
		struct finding finding = { .length = length_at(account, now) };

		commit(account, CCP_METER_PARKED, now, &finding);
	}
	ccp_meter_close_thread(account);
	ccp_meter_put(&account->ended_ns, now);
}
