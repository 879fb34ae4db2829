/** What is asked of another machine about jobs: scripts over the directories `supervisorScript` describes. Pure. */
import { createHash } from "node:crypto";
import type { JobRequest, JobSignal } from "../../ports/command.js";
import { prelude, shellCommand, shellExports, shellWord } from "../shell/words.js";
import { jobFunctions, supervisorScript } from "./supervisor-script.js";

/** A job nobody has claimed after this long never will be. */
const claimSeconds = 30;

/** `request` and `run` of a job, as files on the machine. Throws InvalidArgumentError for what no shell can be told. */
export function jobFiles(request: JobRequest): { request: string; run: string } {
  const { argv, cwd, env, timeoutMs } = request;
  const lines = [
    `job_cwd=${shellWord(cwd)}`,
    `job_program=${shellWord(argv[0] ?? "")}`,
    `job_timeout=${timeoutMs / 1000}`,
    `job_timeout_whole=${Math.ceil(timeoutMs / 1000)}`,
    `job_environment() {\n${shellExports(env)}:\n}`,
    `job_exec() { exec "$job_path" ${shellCommand(argv.slice(1))}; }`,
    "R=${LABD_ROOT-}",
  ];
  return { request: `${JSON.stringify({ argv })}\n`, run: `${lines.join("\n")}\n${jobFunctions}${supervisorScript}` };
}

/**
 * Reads request, run and stdin, of these lengths, and starts the job; of one that is there, what was not yet claimed is started again:
 * the claim lets one supervisor through. Then tells it as `lookScript` does. Exit codes: 69 no setsid, 74 cannot be stored, 75 cut off.
 */
export function startScript(id: string, bytes: { request: number; run: number; stdin: number }, keep: number): string {
  const { request, run, stdin } = bytes;
  return `${prelude}${jobFunctions}
command -v setsid >/dev/null || exit 69
J=$HOME/.labd/jobs; id=${shellWord(id)}; new=.new.$id.$$
if [ -d "$J/$id" ]; then cat > /dev/null; else
  N=$J/$new
  fail() { rm -rf "$N"; exit "$1"; }
  mkdir -p -m 700 "$HOME/.labd" "$J" && mkdir -m 700 "$N" || exit 74
  LC_ALL=C cat > "$N/input" || fail 74
  [ "$(wc -c < "$N/input")" -eq ${request + run + stdin} ] || fail 75
  tail -c +${request + run + 1} "$N/input" > "$N/stdin" &&
    head -c ${request} "$N/input" > "$N/request" &&
    tail -c +${request + 1} "$N/input" | head -c ${run} > "$N/run" &&
    [ "$(wc -c < "$N/run")" -eq ${run} ] || fail 74
  rm "$N/input"; : > "$N/stdout"; : > "$N/stderr"
  boot > "$N/boot"; now > "$N/created" || fail 74
  sync "$N/request" "$N/run" "$N/stdin" 2>/dev/null
  # A rename: the directory appears complete under the job's name, or not at all. Into one that is there it goes as a file of its own.
  mv "$N" "$J/$id" 2>/dev/null || rm -rf "$N"
  [ ! -e "$J/$id/$new" ] || rm -rf "$J/$id/$new"
  sync "$J" 2>/dev/null
fi
if [ ! -e "$J/$id/claim" ] && [ "$(cat "$J/$id/boot" 2>/dev/null)" = "$(boot)" ]; then
  setsid /bin/sh "$J/$id/run" supervise < /dev/null > /dev/null 2>> "$J/$id/log" &
fi
ls -1t "$J" | tail -n +${keep + 1} | while read -r old; do
  [ "$old" != "$id" ] && [ -e "$J/$old/result" ] && rm -rf "$J/$old"
done
${lookFunction}
look "$J/$id" 0 0 0
`;
}

/**
 * Tells a job: a line for each thing known, then "output A B", then A bytes of standard output and B of standard error from these
 * offsets. A job nobody stands behind any more gets its result here. Nothing is told of one that is not there.
 */
const lookFunction = `
look() {
  d=$1
  [ -f "$d/request" ] || return 0
  if [ ! -e "$d/result" ]; then
    was=; by=; since=; { read -r was < "$d/boot"; read -r by since < "$d/claim"; } 2>/dev/null
    is=$(boot); lost=
    if [ "$was" != "$is" ]; then lost="lost 0 $(now) the machine went down under it (boot $was, now $is)"
    elif [ -z "$by" ]; then
      read -r created < "$d/created"
      if [ $(($(now) - created)) -gt ${claimSeconds}000 ] && claim "$d" 0 0; then
        lost="not-started 0 $(now) its supervisor ended before it could start the program: $(tail -n 1 "$d/log" 2>/dev/null)"
      fi
    elif ! alive "$by" "$since"; then
      # Nobody would ever tell its end: a job that is lost does not run on.
      p=; t=; { read -r p t x < "$d/started"; } 2>/dev/null
      alive "$p" "$t" && kill -KILL "-$p"
      lost="lost 0 $(now) its supervisor (process $by) ended without a result: $(tail -n 1 "$d/log" 2>/dev/null)"
    fi
    # A link that is refused: it had written its result and ended since the first look.
    if [ -n "$lost" ]; then echo "$lost" > "$d/result.$$"; ln "$d/result.$$" "$d/result" 2>/dev/null; rm -f "$d/result.$$"; fi
  fi
  result=; { read -r result < "$d/result"; } 2>/dev/null
  started=; { read -r started < "$d/started"; } 2>/dev/null
  created=; read -r created < "$d/created"
  a=$(wc -c < "$d/stdout"); b=$(wc -c < "$d/stderr")
  echo "job \${d##*/}"; printf 'request '; cat "$d/request"
  echo "created $created"; echo "started $started"; echo "result $result"; echo "sizes" $a $b
  m=$((a - $2)); n=$((b - $3))
  [ $m -lt 0 ] && m=0; [ $m -gt $4 ] && m=$4
  [ $n -lt 0 ] && n=0; [ $n -gt $4 ] && n=$4
  echo "output $m $n"
  [ $m -eq 0 ] || tail -c +$(($2 + 1)) "$d/stdout" | head -c $m
  [ $n -eq 0 ] || tail -c +$(($3 + 1)) "$d/stderr" | head -c $n
}
`;

/** One job with at most `limit` bytes of each output from these offsets. */
export function lookScript(id: string, from: { stdoutOffset: number; stderrOffset: number }, limit: number): string {
  return `${prelude}${jobFunctions}${lookFunction}look "$HOME/.labd/jobs/"${shellWord(id)} ${from.stdoutOffset} ${from.stderrOffset} ${limit}\nexit 0\n`;
}

/** Every job, without output. */
export function listScript(): string {
  return `${prelude}${jobFunctions}${lookFunction}for each in "$HOME/.labd/jobs"/*; do look "$each" 0 0 0; done\nexit 0\n`;
}

/** Asks the supervisor to end the job, if there is one. May be repeated. */
export function cancelScript(id: string, graceMs: number): string {
  return `${prelude}${jobFunctions}d="$HOME/.labd/jobs/"${shellWord(id)}
by=; { read -r by since < "$d/claim"; } 2>/dev/null
if [ ! -e "$d/result" ] && alive "$by" "$since"; then
  # A full disk must not keep a job from being ended: it then gets the usual grace time.
  [ -e "$d/cancel" ] || { echo ${Math.ceil(graceMs / 100)} > "$d/cancel.new" && mv "$d/cancel.new" "$d/cancel"; } 2>/dev/null
  kill -TERM "$by"
fi
exit 0
`;
}

/**
 * Sends a signal to the job's own process unless something of this key was sent before. Prints "sent", "gone" (it had ended), "early"
 * (it has not begun) or "replayed"; nothing when there is no such job.
 */
export function signalScript(id: string, signal: JobSignal, key: string): string {
  // As a file name, however long it is.
  const name = createHash("sha256").update(key).digest("hex");
  return `${prelude}${jobFunctions}d="$HOME/.labd/jobs/"${shellWord(id)}
[ -f "$d/request" ] || exit 0
k="$d/signals/"${name}
[ ! -d "$k" ] || { echo replayed; exit 0; }
if [ ! -e "$d/started" ]; then [ -e "$d/result" ] || { echo early; exit 0; }; fi
p=; t=; { read -r p t x < "$d/started"; } 2>/dev/null
alive "$p" "$t" || { echo gone; exit 0; }
mkdir -p -m 700 "$d/signals"
# Before the deed: whoever dies between the two has sent nothing, or has sent it once.
mkdir "$k" 2>/dev/null || { echo replayed; exit 0; }
if kill -${signal.replace(/^SIG/, "")} "$p" 2>/dev/null; then echo sent; else echo gone; fi
`;
}
