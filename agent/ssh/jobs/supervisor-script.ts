/**
 * The process that stands behind one job on a machine without agent, in the POSIX shell that any machine has (dash, bash, busybox ash).
 * It needs cat, date, ln, mv, rm, sleep and setsid, and owes nothing to any connection.
 *
 * In the job's directory, ~/.labd/jobs/ID:
 * ```
 * request    JSON: argv and what else a reader wants to know
 * run        this script, after the job's own lines
 * boot       boot id it was asked for under; created: when, ms
 * claim      "PID TICKS" of the supervisor: taken once (a hard link), by it or by whoever found that it never came
 * started    "PID TICKS MS" of the program itself
 * cancel     grace time in tenths of a second; written before SIGTERM to the supervisor
 * result     one line, see finish
 * stdin, stdout, stderr, log
 * ```
 */

/** What scripts that look at jobs share with the supervisor. `$R` comes from the prelude. */
export const jobFunctions = `now() {
  n=$(date +%s%3N 2>/dev/null)
  case $n in "" | *[!0-9]*) n=$(date +%s)000 ;; esac
  echo "$n"
}
# Clock ticks from boot to a process's start (proc(5), stat field 22): with them a process id is nobody else's.
ticks() {
  { read -r s < "/proc/$1/stat"; } 2>/dev/null || return 1
  s=\${s##*) }; set -- $s
  [ "$1" != Z ] && echo "\${20}"
}
alive() { [ -n "$1" ] && [ -n "$2" ] && [ "$(ticks "$1")" = "$2" ]; }
boot() { read -r b 2>/dev/null < "$R/proc/sys/kernel/random/boot_id" && echo "$b"; }
# Takes the job in directory $1 for a process, for ever. Fails when it was taken before.
claim() {
  echo "$2 $3" > "$1/claim.$$" && ln "$1/claim.$$" "$1/claim" 2>/dev/null
  claimed=$?; rm -f "$1/claim.$$"; return $claimed
}
`;

/**
 * Called as `run supervise`, and by itself as `run program`. Before it stand job_cwd, job_program, job_timeout (seconds, 0 = none),
 * job_timeout_whole, job_environment and job_exec.
 */
export const supervisorScript = `
D=\${0%/*}
cwd=$R$job_cwd; [ -n "$cwd" ] || cwd=/
# Where "/" is a directory, its own programs come before those of the machine around it.
job_path=$job_program
case $job_program in /*) [ -z "$R" ] || [ ! -x "$R$job_program" ] || job_path=$R$job_program ;; esac
if [ "$1" = program ]; then
  # Its own process id: what follows is replaced by the program.
  echo "$$ $(ticks $$) $(now)" > "$D/started.new" && mv "$D/started.new" "$D/started"
  PATH=$LABD_PATH; unset LABD_PATH
  job_environment
  cd "$cwd" || exit 126
  job_exec
fi
cd "$D" || exit 1
claim "$D" $$ "$(ticks $$)" || exit 0
# Room for the end, taken while there is some: a job may fill the disk.
printf '%4096s' '' > result.reserved
finish() {
  printf '%s\\n' "$1" 1<> result.reserved && mv result.reserved result
  exit 0
}
reason=$(
  PATH=$LABD_PATH
  job_environment
  if [ ! -e "$cwd" ]; then echo "working directory $job_cwd: there is no such directory"; exit; fi
  cd "$cwd" 2>/dev/null || { echo "working directory $job_cwd: is not a directory, or may not be entered"; exit; }
  case $job_program in
    */*)
      if [ ! -e "$job_path" ]; then echo "$job_program: there is no such program"
      elif [ ! -x "$job_path" ] || [ -d "$job_path" ]; then echo "$job_program: not allowed to execute it; check its mode"; fi ;;
    *) command -v "$job_program" >/dev/null 2>&1 || echo "$job_program: no such program on the PATH" ;;
  esac
)
[ -z "$reason" ] || finish "not-started 0 $(now) $reason"

why=
trap 'why=\${why:-cancelled}' TERM
trap 'why=\${why:-timed-out}' USR1
setsid /bin/sh "$D/run" program < stdin >> stdout 2>> stderr &
p=$!
timer=
if [ "$job_timeout" != 0 ]; then
  (
    trap 'kill $nap 2>/dev/null; exit' TERM
    trap - USR1
    # Not every sleep knows fractions.
    sleep "$job_timeout" 2>/dev/null & nap=$!
    wait $nap || { sleep "$job_timeout_whole" & nap=$!; wait $nap; }
    while kill -USR1 $$ 2>/dev/null; do sleep 1 & nap=$!; wait $nap; done
  ) &
  timer=$!
fi
while :; do
  wait $p; code=$?
  [ -z "$why" ] || break
  kill -0 $p 2>/dev/null || break
done
# A zombie nobody reaps is no process.
group_runs() {
  kill -0 -$p 2>/dev/null || return 1
  for stat in /proc/[0-9]*/stat; do
    { read -r s < "$stat"; } 2>/dev/null || continue
    s=\${s##*) }; set -- $s
    [ "$3" = $p ] && [ "$1" != Z ] && return 0
  done
  return 1
}
if [ -n "$why" ]; then
  code=15; grace=50; tick=0
  [ $why = cancelled ] && [ -r cancel ] && read -r grace < cancel
  kill -TERM -$p 2>/dev/null
  while group_runs; do
    if [ $tick -ge $grace ]; then
      code=9; kill -KILL -$p 2>/dev/null
      # What is left a second after that hangs in the kernel: not worth waiting for.
      [ $tick -ge $((grace + 10)) ] && break
    fi
    sleep 0.1 2>/dev/null || { sleep 1; tick=$((tick + 9)); }
    tick=$((tick + 1))
  done
fi
[ -z "$timer" ] || kill $timer 2>/dev/null
full=
printf '%4096s' '' 2>/dev/null > probe || full="the disk that holds its output ($D) is full: output may be missing"
rm -f probe
finish "\${why:-ended} $code $(now) $full"
`;
