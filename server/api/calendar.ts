/** A calendar of days that calendar programs read. Source: RFC 5545. */

export interface CalendarDay {
  /** Stays the same as long as it is the same thing. */
  readonly uid: string
  readonly at: Date
  readonly summary: string
  readonly description: string
}

/** RFC 5545 §3.1: octets of a line. */
const LINE_OCTETS_MAX = 75
/** How long before a day the calendar reminds. */
const REMIND = '-P14D'

/** @returns text/calendar with CRLF line ends; the same days and the same stamp give the same text */
export function printCalendar(name: string, days: readonly CalendarDay[], stamp: Date): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Offhook//Expiries//EN',
    'CALSCALE:GREGORIAN',
    `X-WR-CALNAME:${escaped(name)}`,
    ...days.flatMap((day) => eventLines(day, stamp)),
    'END:VCALENDAR',
  ]
  return lines.map((line) => `${folded(line)}\r\n`).join('')
}

function eventLines({ uid, at, summary, description }: CalendarDay, stamp: Date): readonly string[] {
  return [
    'BEGIN:VEVENT',
    `UID:${escaped(uid)}@offhook`,
    `DTSTAMP:${stamp.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`,
    `DTSTART;VALUE=DATE:${at.toISOString().slice(0, 10).replaceAll('-', '')}`,
    `SUMMARY:${escaped(summary)}`,
    `DESCRIPTION:${escaped(description)}`,
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    `DESCRIPTION:${escaped(summary)}`,
    `TRIGGER:${REMIND}`,
    'END:VALARM',
    'END:VEVENT',
  ]
}

/** RFC 5545 §3.3.11. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\\;,]/g, (each) => `\\${each}`)
    .replaceAll(/\r\n|[\r\n]/g, '\\n')
    .replaceAll(/[\u0000-\u001f\u007f]/g, ' ')
}

/** RFC 5545 §3.1: a long line goes on after a line end and a blank; no character is cut. */
function folded(line: string): string {
  const pieces: string[] = []
  let piece = ''
  let octets = 0
  for (const char of line) {
    const size = Buffer.byteLength(char)
    if (octets + size > LINE_OCTETS_MAX) {
      pieces.push(piece)
      piece = ' '
      octets = 1
    }
    piece += char
    octets += size
  }
  return [...pieces, piece].join('\r\n')
}
