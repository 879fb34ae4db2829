/*
 * The power program of a simulated BMC: `power-program DIRECTORY get power`, `... set power 0|1`, and so on (OpenIPMI's ipmi_lan(5)).
 * Keeps the state in DIRECTORY/power, appends every call with its time to DIRECTORY/calls, and takes the milliseconds in
 * DIRECTORY/../sleep-ms for every "set", as a slow chassis does. ipmi_sim waits for it and answers nobody meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int read_number(int directory, const char *name) {
  char text[32] = "";
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  return atoi(text);
}

static int write_text(int directory, const char *name, int flags, const char *text) {
  int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) return 1;
  ssize_t written = write(fd, text, strlen(text));
  close(fd);
  return written != (ssize_t)strlen(text);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 2;
  const char *verb = argv[2], *what = argv[3], *value = argc > 4 ? argv[4] : "";

  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char line[128];
  snprintf(line, sizeof line, "%lld%09ld %s %s %s\n", (long long)now.tv_sec, now.tv_nsec, verb, what, value);
  if (write_text(directory, "calls", O_APPEND, line) != 0) return 1;

  if (strcmp(verb, "get") == 0) {
    if (strcmp(what, "power") == 0) printf("power:%d\n", read_number(directory, "power"));
    if (strcmp(what, "boot") == 0) printf("boot:default\n");
    return 0;
  }
  int sleep_ms = read_number(directory, "../sleep-ms");
  if (sleep_ms > 0) {
    struct timespec pause = {sleep_ms / 1000, (long)(sleep_ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
  }
  if (strcmp(what, "power") == 0) return write_text(directory, "power", O_TRUNC, value[0] == '1' ? "1\n" : "0\n");
  return 0;
}
