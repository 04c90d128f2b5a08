// enter_host PID UID GID DIRECTORY FILE… -- NAME=VALUE… -- COMMAND…: runs the command in the host whose process 1 is PID.
//
// One program in place of a chain of them: each exec of that chain cost a test as much as what it ran. Root runs it on the
// machine. It joins the control groups by their cgroup.procs FILEs, is ended before the host where memory is short, enters the
// host's namespaces, and becomes the user there. The command gets a parent inside the host, for a process whose parent is
// number 0 is not an ordinary one.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char* what) {
  fprintf(stderr, "enter_host: %s: %s\n", what, strerror(errno));
  exit(125);
}

static void put(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, strlen(text)) < 0) fail(path);
  close(file);
}

// Waits for `child` and ends as it did; a stop of it is shown as our own.
static void end_like(pid_t child, int as_a_shell) {
  int status = 0;
  for (;;) {
    if (waitpid(child, &status, as_a_shell ? 0 : WUNTRACED) < 0) {
      if (errno == EINTR) continue;
      fail("waitpid");
    }
    if (!WIFSTOPPED(status)) break;
    kill(getpid(), SIGSTOP);
    kill(child, SIGCONT);
  }
  if (WIFEXITED(status)) exit(WEXITSTATUS(status));
  if (as_a_shell) exit(128 + WTERMSIG(status));
  signal(WTERMSIG(status), SIG_DFL);
  kill(getpid(), WTERMSIG(status));
  exit(128 + WTERMSIG(status));
}

static pid_t split(void) {
  const pid_t child = fork();
  if (child < 0) fail("fork");
  return child;
}

int main(int count, char** words) {
  if (count < 8) return fputs("enter_host: too few words\n", stderr), 125;
  const int pid = atoi(words[1]), uid = atoi(words[2]), gid = atoi(words[3]);
  const char* directory = words[4];
  int at = 5;
  for (; at < count && strcmp(words[at], "--") != 0; ++at) put(words[at], "0");
  put("/proc/self/oom_score_adj", "500");
  const int host = (int)syscall(SYS_pidfd_open, pid, 0);
  const int spaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (host < 0 || setns(host, spaces) != 0) fail("enter the namespaces of the host");
  close(host);
  clearenv();
  for (++at; at < count && strcmp(words[at], "--") != 0; ++at) putenv(words[at]);
  char** command = words + at + 1;
  if (at + 1 >= count) return fputs("enter_host: no command\n", stderr), 125;
  const pid_t inside = split();
  if (inside != 0) end_like(inside, 0);
  if (uid != 0 || gid != 0)
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
      fail("become the user");
  prctl(PR_SET_DUMPABLE, 1);  // as a program is that the user has started: others of his may look into it
  if (chdir(directory) != 0) fail(directory);
  const pid_t ordinary = split();
  if (ordinary != 0) end_like(ordinary, 1);
  execvp(command[0], command);
  fprintf(stderr, "enter_host: %s: %s\n", command[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}
