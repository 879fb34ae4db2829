/**
 * Files of another machine by tools every POSIX system has, busybox included. Not by SFTP: boards with dropbear often come without an
 * SFTP server, SFTP knows no digest and no way to replace a file that all servers share, and a second way would have to be kept right
 * beside this one. Pure.
 */
import { pathWord, prelude, shellWord } from "../shell/words.js";

/** `f`: the path; errors in the C locale's words, which file-errors.ts knows. */
function begin(path: string): string {
  return `${prelude}LC_ALL=C; export LC_ALL; f=${pathWord(path)}\n`;
}

/** Prints "MODE SIZE SECONDS" (mode in hexadecimal) and, when asked, the digest of a regular file. `$f`, shown as `stat` shows it. */
function tell(wantSha256: boolean): string {
  // A regular file's mode begins with 8 (stat(2), S_IFREG).
  const digest = wantSha256 ? `case $(stat -c %f -- "$f") in 8???) sha256sum < "$f" ;; esac\n` : "";
  return `stat -c '%f %s %Y' -- "$f" || exit 1\n${digest}`;
}

export function statScript(path: string, wantSha256: boolean): string {
  return `${begin(path)}${tell(wantSha256)}`;
}

/** Prints the bytes of a range. */
export function readScript(path: string, offset: number, limit: number | undefined): string {
  const bytes =
    offset === 0
      ? limit === undefined
        ? 'cat -- "$f"'
        : `head -c ${limit} -- "$f"`
      : limit === undefined
        ? `tail -c +${offset + 1} -- "$f"`
        : `tail -c +${offset + 1} -- "$f" | head -c ${limit}`;
  return `${begin(path)}[ ! -d "$f" ] || { echo 'Is a directory' >&2; exit 1; }\n${bytes}\n`;
}

/**
 * Stores standard input beside the file under a name made with `nonce`, prints its digest. Follows a link to its target, but never out
 * of a root directory that is not "/".
 */
export function uploadScript(path: string, nonce: string): string {
  return `${begin(path)}${resolveTarget(nonce)}
if [ -e "$f" ] && [ ! -f "$f" ]; then echo 'is no regular file; write to it in place or choose another path' >&2; exit 1; fi
[ -e "$f" ] || mkdir -p -- "\${f%/*}/" || exit 1
umask 077; cat > "$t" || { rm -f "$t"; exit 1; }
sha256sum < "$t"
`;
}

/** Puts what was uploaded in the file's place. Mode and owner of what is there stay. */
export function commitScript(path: string, nonce: string, mode: number): string {
  return `${begin(path)}${resolveTarget(nonce)}
fail() { rm -f "$t"; exit 1; }
if [ -e "$f" ]; then
  # The owner first: chown clears the set-uid bits.
  chown "$(stat -c %u:%g -- "$f")" "$t" && chmod "$(stat -c %a -- "$f")" "$t" || fail
else chmod ${mode.toString(8)} "$t" || fail; fi
sync "$t" 2>/dev/null
mv -f -- "$t" "$f" || fail
sync "\${f%/*}/" 2>/dev/null
${tell(false)}`;
}

export function abandonScript(path: string, nonce: string): string {
  return `${begin(path)}${resolveTarget(nonce)}rm -f "$t"\n`;
}

/** Writes standard input into what is there: a regular file is cut to it, a device gets it. */
export function writeInPlaceScript(path: string): string {
  return `${begin(path)}[ -e "$f" ] || { echo 'No such file' >&2; exit 1; }\ncat > "$f" || exit 1\n${tell(false)}`;
}

/** Prints "removed" when something was there. */
export function removeScript(path: string, recursive: boolean): string {
  const refuse = recursive
    ? ""
    : `if [ -d "$f" ] && [ ! -L "$f" ]; then echo 'Is a directory; ask for recursive removal' >&2; exit 1; fi\n`;
  return `${begin(path)}[ -e "$f" ] || [ -L "$f" ] || exit 0\n${refuse}rm -${recursive ? "r" : ""}f -- "$f" && echo removed\n`;
}

/** Prints the names in a directory, each followed by a zero byte. */
export function listScript(path: string): string {
  return `${begin(path)}if [ ! -d "$f" ]; then
  [ -e "$f" ] && echo 'Not a directory' >&2 || echo 'No such file' >&2; exit 1
fi
cd "$f" && [ -r . ] || { echo 'Permission denied' >&2; exit 1; }
for each in * .[!.]* ..?*; do
  if [ -e "$each" ] || [ -L "$each" ]; then printf '%s\\0' "$each"; fi
done
`;
}

function resolveTarget(nonce: string): string {
  return `if [ -L "$f" ]; then
  f=$(readlink -f -- "$f") || { echo 'Too many symbolic links' >&2; exit 1; }
  case $f in "$R"/*) ;; *) echo 'Permission denied: the link leads out of the root directory' >&2; exit 1 ;; esac
fi
t=\${f%/*}/.labd.${shellWord(nonce)}.tmp
`;
}
