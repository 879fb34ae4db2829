/*
 * `cost PROGRAM ARGUMENT...`: runs PROGRAM and tells on file descriptor 3 what it took, as
 * "WALL_NS USER_US SYSTEM_US EXIT_STATUS": CPU time of it and of everything it started and waited for.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long us(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  long long began = now_ns();
  pid_t child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    close(3);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) != child) {
  }
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  dprintf(3, "%lld %lld %lld %d\n", now_ns() - began, us(used.ru_utime), us(used.ru_stime), code);
  return code;
}
