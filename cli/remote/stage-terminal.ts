/** A terminal that a view has to itself: the other screen, no cursor, keys one by one; and as it was before, however we end. */
import { type Key, readKeys } from './stage-keys.ts'

/** Of a terminal that does not say its size. */
const COLUMNS = 80
const ROWS = 24

/** The other screen, no cursor, and a line that is too long stays in its row. Source: ECMA-48; xterm control sequences. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
/** Before a line, since after one that is full the last sign would go. */
const CLEAR_LINE = '\u001b[2K'
/** A line further down and to the end of the screen; where there is none it would clear the last line itself. */
const CLEAR_BELOW = '\r\n\u001b[J'

export interface Terminal {
  size(): { readonly rows: number; readonly columns: number }
  /** @param lines at most as many as rows, each at most as wide as columns, without control characters */
  draw(lines: readonly string[]): void
  /** Gives the terminal back; what is called again does nothing. */
  close(): void
}

/** @param on.key for each key; without a terminal as input there are none */
export function openTerminal(on: { readonly key: (key: Key) => void; readonly resize: () => void }): Terminal {
  const { stdin, stdout } = process
  let isOpen = true
  const hear = (bytes: Buffer): void => {
    for (const key of readKeys(bytes.toString())) on.key(key)
  }
  function close(): void {
    if (!isOpen) return
    isOpen = false
    process.off('exit', close)
    stdout.off('resize', on.resize)
    if (stdin.isTTY) {
      stdin.off('data', hear)
      stdin.setRawMode(false)
      stdin.pause()
    }
    stdout.write(LEAVE)
  }
  // An error that nobody caught, and a second signal, end the process without coming back here.
  process.on('exit', close)
  stdout.on('resize', on.resize)
  stdout.write(ENTER)
  if (stdin.isTTY) {
    stdin.setRawMode(true)
    stdin.on('data', hear)
  }
  return {
    size: () => ({ rows: stdout.rows || ROWS, columns: stdout.columns || COLUMNS }),
    draw: (lines) => {
      // In one piece and over what stands there: nothing is seen empty in between.
      if (!isOpen) return
      const rest = lines.length < (stdout.rows || ROWS) ? CLEAR_BELOW : ''
      stdout.write(`${HOME}${lines.map((line) => CLEAR_LINE + line).join('\r\n')}${rest}`)
    },
    close,
  }
}
