/*
 * child.c: posix_spawn(3), which neither copies page tables nor runs anything of ours in the child, and a pidfd.
 *
 * What has ended stays a zombie until the whole job is through: as long as it does, its number names this process group
 * and no other, so that a signal to the group can hit no stranger.
 */
#include "pipeline/command/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

char *ccp_child_find(const char *name)
{
	const char *dirs = getenv("PATH");
	int reason = ENOENT;

	if (strchr(name, '/') != NULL)
		return is_program(name) ? strdup(name) : NULL;
	if (dirs == NULL)
		dirs = "/bin:/usr/bin";
	for (size_t len; name[0] != '\0'; dirs += len + 1) {
		char *path;

		len = strcspn(dirs, ":");
		if (asprintf(&path, "%.*s%s%s", (int)len, dirs, len > 0 ? "/" : "./", name) < 0)
			return NULL;
		if (is_program(path))
			return path;
		free(path);
		if (errno == EACCES)
			reason = EACCES;
		if (dirs[len] == '\0')
			break;
	}
	errno = reason;
	return NULL;
}

/* What the child does before the program runs. Returns 0 or an errno; `attr` and `actions` are to be destroyed then. */
static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *actions, int input, int output, int messages)
{
	sigset_t none, usual;
	int error;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGXFSZ); /* which this program ignores */
	error = posix_spawnattr_setflags(attr,
					 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (error == 0)
		error = posix_spawnattr_setpgroup(attr, 0);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attr, &none);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attr, &usual);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, messages, STDERR_FILENO);
	return error;
}

/* Returns 0 or an errno. */
static int spawn(pid_t *pid, const char *path, char *const *argv, char *const *envp, int input, int output,
		 int messages)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error == 0) {
		error = prepare(&attr, &actions, input, output, messages);
		if (error == 0)
			error = path != NULL ? posix_spawn(pid, path, &actions, &attr, argv, envp)
					     : posix_spawnp(pid, argv[0], &actions, &attr, argv, envp);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int ccp_child_start(struct ccp_child *child, const char *path, char *const *argv, char *const *envp, int input,
		    struct ccp_err *err)
{
	int output[2] = { -1, -1 }, messages[2] = { -1, -1 }, error;

	*child = (struct ccp_child){ .pidfd = -1, .out = -1, .err = -1 };
	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(messages, O_CLOEXEC) != 0)
		error = errno;
	else
		error = spawn(&child->pid, path, argv, envp != NULL ? envp : environ, input, output[1], messages[1]);
	close_fd(&output[1]);
	close_fd(&messages[1]);
	if (error == 0) {
		child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
		if (child->pidfd < 0) {
			error = errno;
			ccp_child_signal(child, SIGKILL);
			waitpid(child->pid, NULL, 0);
		}
	}
	if (error != 0) {
		close_fd(&output[0]);
		close_fd(&messages[0]);
		child->pid = 0;
		return ccp_err_sys(err, error, "cannot be run");
	}
	child->out = output[0];
	child->err = messages[0];
	return 0;
}

void ccp_child_note_end(struct ccp_child *child)
{
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
	if (info.si_code == CLD_EXITED)
		child->status = info.si_status;
	else
		child->signal = info.si_status;
	close_fd(&child->pidfd);
}

void ccp_child_signal(const struct ccp_child *child, int signal)
{
	if (child->pid <= 0)
		return;
	kill(-child->pid, signal);
	if (signal == SIGTERM)
		kill(-child->pid, SIGCONT);
}

void ccp_child_reap(struct ccp_child *child)
{
	close_fd(&child->pidfd);
	close_fd(&child->out);
	close_fd(&child->err);
	if (child->pid > 0)
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	child->pid = 0;
}
