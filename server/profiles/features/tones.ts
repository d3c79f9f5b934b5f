/**
 * Call progress tones by country, as tone scripts of the phone (MPP §14). Levels are those of the factory's tones.
 * Source: ITU-T E.180 Supplement 2, various tones used in national networks. A country that plays a tone which a
 * script cannot say is not listed.
 */

export interface Tones {
  readonly Dial_Tone: string
  readonly Busy_Tone: string
  readonly Reorder_Tone: string
  readonly Ring_Back_Tone: string
}

/** One frequency that sounds for `on` and is silent for `off` seconds. */
function pulse(frequency: number, length: string, on: number, off: number): string {
  return `${frequency}@-19;${length}(${seconds(on)}/${seconds(off)}/1)`
}

function steady(frequency: number): string {
  return `${frequency}@-19;10(*/0/1)`
}

/** `0.5` is `.5`, as the factory's own scripts have it. */
function seconds(count: number): string {
  return String(count).replace(/^0\./, '.')
}

function single(
  frequency: number,
  ring: readonly [number, number],
  busy: readonly [number, number],
  reorder: readonly [number, number],
): Tones {
  return {
    Dial_Tone: steady(frequency),
    Busy_Tone: pulse(frequency, '10', ...busy),
    Reorder_Tone: pulse(frequency, '10', ...reorder),
    Ring_Back_Tone: pulse(frequency, '*', ...ring),
  }
}

export const TONES: Readonly<Record<string, Tones>> = {
  us: {
    Dial_Tone: '350@-19,440@-19;10(*/0/1+2)',
    Busy_Tone: '480@-19,620@-19;10(.5/.5/1+2)',
    Reorder_Tone: '480@-19,620@-19;10(.25/.25/1+2)',
    Ring_Back_Tone: '440@-19,480@-19;*(2/4/1+2)',
  },
  gb: {
    Dial_Tone: '350@-19,440@-19;10(*/0/1+2)',
    Busy_Tone: '400@-19;10(.375/.375/1)',
    Reorder_Tone: '400@-19;10(.4/.35/1,.225/.525/1)',
    Ring_Back_Tone: '400@-19,450@-19;*(.4/.2/1+2,.4/2/1+2)',
  },
  au: {
    Dial_Tone: '400@-19,425@-19,450@-19;10(*/0/1+2+3)',
    Busy_Tone: '425@-19;10(.375/.375/1)',
    Reorder_Tone: '425@-19;10(.375/.375/1)',
    Ring_Back_Tone: '400@-19,425@-19,450@-19;*(.4/.2/1+2+3,.4/2/1+2+3)',
  },
  de: single(425, [1, 4], [0.48, 0.48], [0.24, 0.24]),
  fr: single(440, [1.5, 3.5], [0.5, 0.5], [0.25, 0.25]),
  nl: single(425, [1, 4], [0.5, 0.5], [0.25, 0.25]),
  be: single(425, [1, 3], [0.5, 0.5], [0.167, 0.167]),
  es: single(425, [1.5, 3], [0.2, 0.2], [0.25, 0.25]),
  se: single(425, [1, 5], [0.25, 0.25], [0.25, 0.75]),
  dk: single(425, [1, 4], [0.25, 0.25], [0.25, 0.25]),
  ch: single(425, [1, 4], [0.5, 0.5], [0.2, 0.2]),
  it: {
    Dial_Tone: '425@-19;10(.2/.2/1,.6/1/1)',
    Busy_Tone: '425@-19;10(.5/.5/1)',
    Reorder_Tone: '425@-19;10(.2/.2/1)',
    Ring_Back_Tone: '425@-19;*(1/4/1)',
  },
}

export const TONE_COUNTRIES: readonly string[] = Object.keys(TONES)
