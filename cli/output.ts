/**
 * What commands print: lines for people, or exactly one JSON document, on stdout; everything that is wrong, on stderr.
 * No colours, so that a pipe gets what a terminal shows.
 */
import type { Millis } from '../protocol/result.ts'
import { type ExitCode, EXIT } from './exit-codes.ts'

/** One JSON document and a line end. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** Lines for a person; none at all for an empty list. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

/** A remark that is no result: on stderr, behind the name of the program. */
export function printNote(text: string): void {
  process.stderr.write(`offhook: ${text}\n`)
}

/** @param result.lines made only when they are wanted */
export function printResult(result: {
  readonly json: boolean
  readonly value: unknown
  readonly lines: () => readonly string[]
}): void {
  if (result.json) printJson(result.value)
  else printLines(result.lines())
}

/** `17:35:03`, as clocks show it here. */
export function clockTime(at: Millis): string {
  return new Date(at).toTimeString().slice(0, 8)
}

/** Ends with this code once all is printed. */
export function endWith(code: ExitCode): void {
  if (code !== EXIT.done) process.exitCode = code
}
