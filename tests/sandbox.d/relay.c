/* `docker exec` without a container: runs one program in a session of its own and relays its streams, as a client and a
 * daemon would. Killing the client does not end the program: what it still writes is swallowed, its input ends.
 * `up` compiles it; in bash the same took a dozen programs for each call, and that was a third of what all tests cost.
 *
 * relay CLIENT ATTACH(yes|no) VARIABLE=VALUE... -- PROGRAM ARGUMENT...    the variables are the program's whole environment;
 *                                                                        CLIENT is what a list of processes shows
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[65536];

/* Copies until the end of `from`, or until `to` takes no more: then errno says why, and -1 is returned. */
static int copy(int from, int to) {
  for (;;) {
    ssize_t count = read(from, buffer, sizeof buffer), done = 0;
    if (count == 0) return 0;
    if (count < 0) {
      if (errno == EINTR) continue;
      return 0;
    }
    while (done < count) {
      ssize_t wrote = write(to, buffer + done, (size_t)(count - done));
      if (wrote >= 0) done += wrote;
      else if (errno != EINTR) return -1;
    }
  }
}

static void fail(const char *what) {
  fprintf(stderr, "docker: %s: %s\n", what, strerror(errno));
  _exit(126);
}

static void make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) fail("pipe");
}

static pid_t start(void) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  return pid;
}

/* A copying process that ends with the client. */
static pid_t copier(int from, int to, pid_t client) {
  pid_t pid = start();
  if (pid) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != client) _exit(0);
  /* Any other end of a pipe that stayed open here would keep a reader waiting. */
  if (dup2(from, 3) < 0 || dup2(to, 4) < 0 || close_range(5, ~0U, 0) < 0) _exit(1);
  close(0), close(1), close(2);
  copy(3, 4);
  _exit(0);
}

/* In the new process: these are its streams, all else is closed. */
static void streams(int in, int out, int err) {
  in = fcntl(in, F_DUPFD, 10), out = fcntl(out, F_DUPFD, 10), err = fcntl(err, F_DUPFD, 10);
  dup2(in, 0), dup2(out, 1), dup2(err, 2);
  close_range(3, ~0U, 0);
}

/* The daemon's part: goes on reading after the client is gone. */
static int drain(void) {
  signal(SIGPIPE, SIG_IGN);
  if (copy(0, 1) < 0) {
    while (read(0, buffer, sizeof buffer) > 0) {}
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--drain")) return drain();
  int at = 3;
  while (at < argc && strcmp(argv[at], "--")) at++;
  if (at + 1 >= argc) return 126;
  int attach = !strcmp(argv[2], "yes"), out[2], sink[2], err[2], in[2] = {-1, -1};
  pid_t client = getpid(), program, feeder = 0, talker;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  make_pipe(out), make_pipe(sink), make_pipe(err);
  if (attach) make_pipe(in);

  if (!(program = start())) {
    streams(attach ? in[0] : null, out[1], err[1]);
    setsid();
    clearenv();
    for (int i = 3; i < at; i++) putenv(argv[i]);
    execv(argv[at + 1], argv + at + 1);
    fprintf(stderr, "%s: %s\n", argv[at + 1], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
  }
  if (!start()) {
    streams(out[0], sink[1], null);
    setsid();
    /* Under a name and with marks of its own: it belongs to the container and not to the client. */
    clearenv();
    for (int i = 3; i < at; i++) putenv(argv[i]);
    execl("/proc/self/exe", "relay", "--drain", (char *)NULL);
    _exit(126);
  }
  if (attach) {
    feeder = copier(0, in[1], client);
    close(in[0]), close(in[1]);
  }
  talker = copier(err[0], 2, client);
  close(out[0]), close(out[1]), close(sink[1]), close(err[0]), close(err[1]), close(0);

  signal(SIGPIPE, SIG_IGN);
  if (copy(sink[0], 1) < 0) {
    if (errno == EPIPE) return 141;
    char *why = strerror(errno);
    fprintf(stderr, "write /dev/stdout: %c%s\n", tolower(why[0]), why + 1);
    return 1;
  }
  close(1);
  int status = 0;
  while (waitpid(program, &status, 0) < 0 && errno == EINTR) {}
  while (waitpid(talker, NULL, 0) < 0 && errno == EINTR) {}
  if (feeder) kill(feeder, SIGKILL);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
