/*
 * jobs.c: settings to options of a crew, and its ends to words.
 */
#include "cmd/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/text.h"
#include "pipeline/plan_internal.h"

#define SHOWN_BYTES 200 /* of a command in a message */

int ccp_jobs_open(struct ccp_jobs *jobs, struct ccp_settings *s)
{
	struct ccp_err err;
	unsigned degree;

	ccp_host_read(&s->host);
	if (ccp_plan_parse_jobs(s->plan.jobs, &s->host, &degree, &err) != 0)
		return ccp_usage_error(s, "%s", err.text);
	*jobs = (struct ccp_jobs){
		.settings = s,
		.crew = {
			.degree = degree,
			.retries = (unsigned)s->run.retries,
			.timeout_ns = s->run.timeout_ns,
			.halt = (enum ccp_crew_halt)s->run.halt,
			.halt_failures = (uint64_t)s->run.halt_failures,
			.later_fd = -1,
			.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		},
	};
	if (jobs->crew.cancel_fd < 0) {
		fprintf(stderr, "%s: eventfd: %s\n", s->program, strerrordesc_np(errno));
		return CCP_EXIT_FAILED;
	}
	jobs->crew.groups = calloc(degree, sizeof *jobs->crew.groups);
	if (jobs->crew.groups == NULL) {
		fprintf(stderr, "%s: no memory for %u jobs\n", s->program, degree);
		close(jobs->crew.cancel_fd);
		return CCP_EXIT_FAILED;
	}
	ccp_signals_restore_descriptors();
	ccp_signals_wake(jobs->crew.cancel_fd, jobs->crew.groups, degree);
	ccp_outlet_open(&jobs->out, STDOUT_FILENO, jobs->crew.cancel_fd);
	ccp_outlet_open(&jobs->err, STDERR_FILENO, jobs->crew.cancel_fd);
	return 0;
}

void ccp_jobs_close(struct ccp_jobs *jobs)
{
	ccp_signals_wake(-1, NULL, 0);
	close(jobs->crew.cancel_fd);
	free(jobs->crew.groups);
	ccp_outlet_close(&jobs->out);
	ccp_outlet_close(&jobs->err);
}

int ccp_jobs_show(struct ccp_jobs *jobs, const struct ccp_crew_done *done, const char *tag, bool part,
		  struct ccp_err *err)
{
	struct ccp_err ignored; /* of messages that nobody reads */

	jobs->out.tag = jobs->err.tag = tag;
	if (done->shown_bytes == 0)
		jobs->out.in_line = false;
	jobs->err.in_line = false;
	if (ccp_kept_bytes(done->out) > 0 && ccp_kept_each(done->out, ccp_outlet_write, &jobs->out, err) != 0) {
		struct ccp_err why = *err;

		/* signals may be blocked here: then EPIPE is all there is to tell */
		if (why.sys == EPIPE && !ccp_signals_pipe_ignored())
			ccp_signals_note(SIGPIPE);
		return why.code == CCP_E_CANCELLED ? -1
						   : ccp_err_set(err, why.code, "standard output: %s", why.text);
	}
	if (!part && ccp_kept_bytes(done->err) > 0)
		(void)ccp_kept_each(done->err, ccp_outlet_write, &jobs->err, &ignored);
	return 0;
}

bool ccp_jobs_tells(const struct ccp_jobs *jobs, const struct ccp_crew_done *done)
{
	if (done->end == CCP_CREW_EXITED)
		return done->status != 0 && jobs->settings->verbose > 0;
	return !jobs->settings->quiet;
}

void ccp_jobs_tell_end(FILE *out, const struct ccp_jobs *jobs, const struct ccp_crew_done *done, const char *command)
{
	char shown[SHOWN_BYTES + 4], text[CCP_SIZE_TEXT];

	snprintf(shown, sizeof shown, "%.*s%s", SHOWN_BYTES, command, strlen(command) > SHOWN_BYTES ? "..." : "");
	if (strpbrk(shown, "' \t\n\r\033") != NULL) {
		ccp_text_path(out, shown);
	} else {
		fputc('\'', out);
		ccp_text_path(out, shown);
		fputc('\'', out);
	}
	switch (done->end) {
	case CCP_CREW_EXITED:
		fprintf(out, " exited with status %d", done->status);
		break;
	case CCP_CREW_SIGNALLED:
		fprintf(out, " was killed by signal %d (%s)", done->signal, strsignal(done->signal));
		break;
	case CCP_CREW_TIMED_OUT:
		fprintf(out, " was stopped after %s",
			ccp_text_seconds((double)jobs->crew.timeout_ns / 1e9, text));
		break;
	case CCP_CREW_NOT_RUN:
		fprintf(out, " %s", done->why.text);
		break;
	}
	if (done->tries > 1)
		fprintf(out, " (%u times)", done->tries);
	fputc('\n', out);
}

int ccp_jobs_end(struct ccp_jobs *jobs, int result, const struct ccp_crew_totals *totals, const struct ccp_err *err)
{
	const struct ccp_settings *s = jobs->settings;

	if (result != 0 && err->code != CCP_E_CANCELLED && ccp_signals_caught() == 0)
		fprintf(stderr, "%s: %s\n", s->program, err->text);
	if (result == 0 && s->verbose > 0)
		fprintf(stderr, "%s: %llu job%s, %llu failed%s\n", s->program,
			(unsigned long long)(totals->well + totals->failed),
			totals->well + totals->failed == 1 ? "" : "s", (unsigned long long)totals->failed,
			totals->halted ? ", halted" : "");
	else if (result == 0 && totals->halted && !s->quiet)
		fprintf(stderr, "%s: halted after %llu failed\n", s->program, (unsigned long long)totals->failed);
	return result != 0 || totals->failed > 0 ? CCP_EXIT_FAILED : CCP_EXIT_OK;
}
