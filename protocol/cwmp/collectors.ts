/** What stands behind a codec while it reads: takes the parser's events inside one element. */
import type { Codec } from './schema.ts'

/** What an element begins with: its local name, its attributes as they were written, and where to complain. */
export interface Opening {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly report: (message: string) => void
}

/** The part of a name behind its prefix. */
export function localName(name: string): string {
  const local = name.slice(name.lastIndexOf(':') + 1)
  return local === '' ? name : local
}

/** The attribute of that local name, whatever its prefix; of several the last counts. */
export function attributeOf(opening: Opening, local: string): string | undefined {
  let found: string | undefined
  for (const key in opening.attributes) if (localName(key) === local) found = opening.attributes[key]
  return found
}

/** Takes what stands inside one element, piece by piece, and hands over its value at the end. */
export interface Collector {
  /** Undefined: nobody wants this child, nor what is in it. */
  child(opening: Opening): Collector | undefined
  text(piece: string): void
  end(): void
}

// Collectors are classes and no objects of closures: an Inform opens hundreds of them, and these are the cheap ones.

/** Takes text, and nothing below. */
export class LeafCollector<T> implements Collector {
  private whole = ''
  private readonly opening: Opening
  private readonly read: (text: string, opening: Opening) => T
  private readonly done: (value: T) => void

  constructor(opening: Opening, read: (text: string, opening: Opening) => T, done: (value: T) => void) {
    this.opening = opening
    this.read = read
    this.done = done
  }

  child(): undefined {
    return undefined
  }

  text(piece: string): void {
    this.whole += piece
  }

  end(): void {
    this.done(this.read(this.whole, this.opening))
  }
}

/** One field of a struct: its key in the value, its element, and what reads it. */
export interface StructRow {
  readonly key: string
  readonly element: string
  readonly codec: Codec<unknown>
}

/** Takes the children that it has rows for. */
export class StructCollector implements Collector {
  private readonly rows: ReadonlyMap<string, StructRow>
  private readonly found: Record<string, unknown>
  private readonly done: (found: Record<string, unknown>) => void

  constructor(
    rows: ReadonlyMap<string, StructRow>,
    found: Record<string, unknown>,
    done: (found: Record<string, unknown>) => void,
  ) {
    this.rows = rows
    this.found = found
    this.done = done
  }

  child(opening: Opening): Collector | undefined {
    const row = this.rows.get(opening.name)
    if (row === undefined) return undefined
    return row.codec.open(opening, (value) => {
      this.found[row.key] = value
    })
  }

  text(): void {
    // White space between elements.
  }

  end(): void {
    this.done(this.found)
  }
}

/** Takes every child as a member. */
export class ArrayCollector<T> implements Collector {
  private readonly codec: Codec<T>
  private readonly members: T[] = []
  private readonly done: (members: readonly T[]) => void
  private readonly add = (value: T): void => {
    this.members.push(value)
  }

  constructor(codec: Codec<T>, done: (members: readonly T[]) => void) {
    this.codec = codec
    this.done = done
  }

  child(opening: Opening): Collector {
    // By position and not by name: toolkits call members `item` as well.
    return this.codec.open(opening, this.add)
  }

  text(): void {
    // White space between elements.
  }

  end(): void {
    this.done(this.members)
  }
}
