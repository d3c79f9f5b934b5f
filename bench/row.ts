/** What the bench prints: a line for each thing measured, ours beside its bound. */

export interface Row {
  /** Group: what `--only` chooses. */
  readonly group: string
  readonly what: string
  readonly unit: string
  readonly ours: number
  /** Whom it is beside: a name, and its figure in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number }
  /** Ours to theirs, such that more is better for us; absent where the figure itself is judged. */
  readonly ratio?: number
  /** The same by computing time of the two servers. */
  readonly cpuRatio?: number
  /** Absent: shown only. */
  readonly aim?: { readonly text: string; readonly met: boolean }
  readonly rounds: number
}

/** @param least the aim for the ratio */
export function ratioAim(ratio: number, least: number): { readonly text: string; readonly met: boolean } {
  return { text: `≥ ${least}`, met: ratio >= least }
}

const HEADINGS = ['', 'ours', 'beside', '', 'ratio', 'by CPU', 'aim', ''] as const

export function printTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    `${row.group}: ${row.what}`,
    `${figure(row.ours)} ${row.unit}`,
    row.beside?.name ?? '',
    row.beside === undefined ? '' : `${figure(row.beside.value)} ${row.unit}`,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.cpuRatio === undefined ? '' : row.cpuRatio.toFixed(2),
    row.aim?.text ?? '',
    row.aim === undefined ? '' : row.aim.met ? 'met' : 'missed',
  ])
  const table = [[...HEADINGS], ...cells]
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)))
  return table.map((line) => printLine(line, widths)).join('\n')
}

function printLine(line: readonly string[], widths: readonly number[]): string {
  const padded = line.map((cell, column) =>
    column === 0 || column === 2 || column > 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
  )
  return padded.join('  ').trimEnd()
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
