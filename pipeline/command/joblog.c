/*
 * joblog.c: keys are 128 bits of FNV-1a, kept in a table of open addressing with what is known of each.
 *
 * Lines are written one by one with O_APPEND, each in one piece. What a killed run has left may end in half a line.
 *
 * Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm" (128 bits).
 */
#include "pipeline/command/joblog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\tKey\n"
#define COLUMNS 10

struct entry {
	struct ccp_joblog_key key; /* zero = free */
	uint32_t seen;             /* in this run */
	uint8_t known;             /* enum ccp_joblog_known */
};

struct ccp_joblog {
	int fd;
	struct entry *table;
	size_t count, room; /* room: a power of two */
};

/* ---- keys ---------------------------------------------------------------------------------------- */

struct hash {
	__extension__ unsigned __int128 state;
};

static void hash_init(struct hash *hash)
{
	hash->state = (__extension__ (unsigned __int128)0x6c62272e07bb0142u << 64) | 0x62b821756295c58du;
}

static void hash_add(struct hash *hash, const void *data, size_t len)
{
	const uint8_t *byte = data;
	__extension__ const unsigned __int128 prime = ((unsigned __int128)1 << 88) | 0x13bu;

	for (size_t i = 0; i < len; i++)
		hash->state = (hash->state ^ byte[i]) * prime;
}

static struct ccp_joblog_key hash_key(const struct hash *hash)
{
	struct ccp_joblog_key key = { { (uint64_t)(hash->state >> 64), (uint64_t)hash->state } };

	if (key.word[0] == 0 && key.word[1] == 0) /* which is a free entry */
		key.word[1] = 1;
	return key;
}

static bool same(struct ccp_joblog_key a, struct ccp_joblog_key b)
{
	return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

/* ---- the table ----------------------------------------------------------------------------------- */

/* The entry of a key, or the free one where it belongs. */
static struct entry *find(const struct ccp_joblog *log, struct ccp_joblog_key key)
{
	static const struct ccp_joblog_key none;
	size_t at = (size_t)key.word[1] & (log->room - 1);

	while (!same(log->table[at].key, key) && !same(log->table[at].key, none))
		at = (at + 1) & (log->room - 1);
	return &log->table[at];
}

/* The same, and it is no longer free. Returns NULL if there is no memory. */
static struct entry *enter(struct ccp_joblog *log, struct ccp_joblog_key key)
{
	struct entry *entry;

	if (log->count * 2 >= log->room) {
		struct ccp_joblog grown = { .room = log->room > 0 ? log->room * 2 : 1024 };

		grown.table = calloc(grown.room, sizeof *grown.table);
		if (grown.table == NULL)
			return NULL;
		for (size_t i = 0; i < log->room; i++)
			if (log->table[i].key.word[0] != 0 || log->table[i].key.word[1] != 0)
				*find(&grown, log->table[i].key) = log->table[i];
		free(log->table);
		log->table = grown.table;
		log->room = grown.room;
	}
	entry = find(log, key);
	if (!same(entry->key, key)) {
		entry->key = key;
		log->count++;
	}
	return entry;
}

struct ccp_joblog_key ccp_joblog_key(struct ccp_joblog *log, char *const *command, size_t words, char *const *args,
				     size_t count)
{
	struct ccp_joblog_key key;
	struct entry *entry;
	struct hash hash;
	struct stat st;

	hash_init(&hash);
	for (size_t i = 0; i < words; i++)
		hash_add(&hash, command[i], strlen(command[i]) + 1);
	for (size_t i = 0; i < count; i++) {
		hash_add(&hash, "", 1);
		hash_add(&hash, args[i], strlen(args[i]) + 1);
		if (stat(args[i], &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		hash_add(&hash, &st.st_size, sizeof st.st_size);
		hash_add(&hash, &st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec);
		hash_add(&hash, &st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec);
	}
	key = hash_key(&hash);
	entry = enter(log, key);
	if (entry != NULL && entry->seen++ > 0) {
		hash_add(&hash, &entry->seen, sizeof entry->seen);
		key = hash_key(&hash);
	}
	return key;
}

enum ccp_joblog_known ccp_joblog_known(const struct ccp_joblog *log, struct ccp_joblog_key key)
{
	return log->room > 0 ? (enum ccp_joblog_known)find(log, key)->known : CCP_JOBLOG_NEW;
}

/* ---- the file ------------------------------------------------------------------------------------ */

/* Reads one line, without its end. What is no such line is passed over. Returns 0, or -1 if there is no memory. */
static int read_line(struct ccp_joblog *log, char *line)
{
	char *column[COLUMNS], *end;
	struct ccp_joblog_key key;
	struct entry *entry;

	for (size_t i = 0; i < COLUMNS; i++) {
		column[i] = strsep(&line, "\t");
		if (column[i] == NULL)
			return 0;
	}
	if (line != NULL || strlen(column[9]) != 32)
		return 0;
	key.word[1] = strtoull(column[9] + 16, &end, 16);
	if (*end != '\0')
		return 0;
	column[9][16] = '\0';
	key.word[0] = strtoull(column[9], &end, 16);
	if (*end != '\0' || (key.word[0] == 0 && key.word[1] == 0))
		return 0;
	entry = enter(log, key);
	if (entry == NULL)
		return -1;
	entry->known = strcmp(column[6], "0") == 0 && strcmp(column[7], "0") == 0 ? CCP_JOBLOG_WELL : CCP_JOBLOG_FAILED;
	return 0;
}

static int read_log(struct ccp_joblog *log, struct ccp_err *err)
{
	int copy = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
	char *line = NULL;
	size_t room = 0;
	off_t whole = 0;
	ssize_t len;
	int result = 0;

	if (file == NULL) {
		ccp_err_sys(err, errno, "%s", "");
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (result == 0 && (len = getline(&line, &room, file)) > 0 && line[len - 1] == '\n') {
		if (whole == 0 && strcmp(line, HEADER) != 0) {
			result = ccp_err_set(err, CCP_E_OTHER, "is no log of ccpipe run");
		} else {
			whole += len;
			line[len - 1] = '\0';
			if (read_line(log, line) != 0)
				result = ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the log");
		}
	}
	if (result == 0 && ferror(file))
		result = ccp_err_sys(err, errno, "%s", "");
	else if (result == 0 && whole == 0 && line != NULL && strncmp(line, HEADER, strlen(line)) != 0)
		result = ccp_err_set(err, CCP_E_OTHER, "is no log of ccpipe run");
	else if (result == 0 && ftruncate(log->fd, whole) != 0)
		result = ccp_err_sys(err, errno, "%s", "");
	free(line);
	fclose(file);
	return result;
}

static int write_all(int fd, const char *text, size_t len, struct ccp_err *err)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return ccp_err_sys(err, errno, "%s", "");
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int open_log(struct ccp_joblog *log, const char *path, bool go_on, struct ccp_err *err)
{
	struct stat st;

	log->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (log->fd < 0 || fstat(log->fd, &st) != 0)
		return ccp_err_sys(err, errno, "%s", "");
	if (!S_ISREG(st.st_mode)) { /* a pipe or a device: nothing to go on with */
		if (go_on)
			return ccp_err_set(err, CCP_E_OTHER, "is not a regular file");
		return write_all(log->fd, HEADER, sizeof HEADER - 1, err);
	}
	if (flock(log->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? ccp_err_set(err, CCP_E_OTHER, "another run writes to it")
					    : ccp_err_sys(err, errno, "%s", "");
	if (!go_on && st.st_size > 0)
		return ccp_err_set(err, CCP_W_EXISTS, "exists already; --resume goes on with it");
	if (go_on && read_log(log, err) != 0)
		return -1;
	if (fstat(log->fd, &st) != 0)
		return ccp_err_sys(err, errno, "%s", "");
	return st.st_size > 0 ? 0 : write_all(log->fd, HEADER, sizeof HEADER - 1, err);
}

int ccp_joblog_open(struct ccp_joblog **made, const char *path, bool go_on, struct ccp_err *err)
{
	struct ccp_joblog *log = calloc(1, sizeof *log);

	if (log == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the log");
	log->fd = -1;
	if (open_log(log, path, go_on, err) != 0) {
		ccp_joblog_close(log);
		return -1;
	}
	*made = log;
	return 0;
}

void ccp_joblog_close(struct ccp_joblog *log)
{
	if (log == NULL)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log->table);
	free(log);
}

/* In one line and one column. */
static void flatten(char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n' || *text == '\t' || *text == '\r')
			*text = ' ';
}

int ccp_joblog_add(struct ccp_joblog *log, const struct ccp_joblog_line *line, struct ccp_err *err)
{
	char *command = strdup(line->command), *text = NULL;
	int len, result;

	if (command == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the log");
	flatten(command);
	len = asprintf(&text, "%" PRIu64 "\t:\t%.3f\t%10.3f\t%" PRIu64 "\t%" PRIu64 "\t%d\t%d\t%s\t%016" PRIx64
		       "%016" PRIx64 "\n",
		       line->number, (double)line->began_ns / 1e9, (double)line->took_ns / 1e9, line->sent,
		       line->received, line->status, line->signal, command, line->key.word[0], line->key.word[1]);
	free(command);
	if (len < 0)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the log");
	result = write_all(log->fd, text, (size_t)len, err);
	free(text);
	return result;
}
