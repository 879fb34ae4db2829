/*
 * `die-with-parent PARENT PROGRAM ARGUMENT...`: becomes PROGRAM, and is killed when its parent, whose process id is PARENT, ends:
 * a benchmark that is killed leaves no simulators behind.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != atoi(argv[1])) return 1;
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
