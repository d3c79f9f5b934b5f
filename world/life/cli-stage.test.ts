/** `offhook stage` as a technician uses it: against a real server, with phones that prove themselves, and on a pseudo-terminal. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { plant } from '../../server/testing.ts'
import { identityOf } from '../durability/testing.ts'
import { type Phone, shopForAll } from './cli-testing.ts'
import { eventually, type Run } from './testing.ts'

vi.setConfig({ testTimeout: 240_000 })

const shop = shopForAll()

/** Runs the command with these lines as its standard input. */
function typing(args: readonly string[], text: string): Run {
  return shop().place.offhook(args, { STAGE_TEXT: text }, ['bash', '-c', 'printf %s "$STAGE_TEXT" | "$@"', '_'])
}

interface Bench {
  readonly id: string
  readonly phones: readonly Phone[]
}

function labelOf({ mac, serial }: Pick<Phone, 'mac' | 'serial'>): string {
  return `${mac.toUpperCase()}\t${serial}`
}

/** A batch with the boxes of so many phones, none of which is connected yet. */
async function bench(count: number, expected = count): Promise<Bench> {
  const accountId = shop().provider.accounts[0]?.id
  const made = { accountId, name: 'Bench of Monday', model: 'CP-8851-3PCC', expected }
  const { id } = await shop().api<{ readonly id: string }>('POST', 'batches', made)
  const phones = []
  for (let index = 0; index < count; index++) phones.push(await shop().box(shop().nextMac()))
  const boxes = phones.map(({ mac, serial }) => ({ mac, serial }))
  if (count > 0) await shop().api('POST', `batches/${id}/boxes`, { boxes })
  return { id, phones }
}

/** Connects a phone: it is bound by its account's code. */
async function connect(phone: Phone): Promise<void> {
  expect((await phone.asks(`/cisco-init/${shop().provider.accounts[0]?.code ?? ''}`))?.status).toBe(200)
}

/** It has applied its profile, uses its key, and its line is registered. */
async function finish(phone: Phone): Promise<void> {
  const { versions } = await shop().api<{ readonly versions: { readonly wanted: string } }>(
    'GET',
    `devices/${phone.mac}`,
  )
  expect((await phone.asks(`/cisco-init?v=${versions.wanted}&why=Sip&k=1&reg=0`))?.status).toBe(200)
}

interface Terminal {
  readonly run: Run
  press(keys: string): Promise<void>
  resize(rows: number, columns: number): void
  /** To the command itself. */
  signal(name: NodeJS.Signals): void
  /** The lines that stand on the other screen now. */
  screen(): readonly string[]
}

let terminals = 0

/** The command on a pseudo-terminal of this size. */
async function onTerminal(
  args: readonly string[],
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Promise<Terminal> {
  const name = join(shop().place.folder, `terminal-${++terminals}`)
  expect(spawnSync('mkfifo', [`${name}.keys`]).status).toBe(0)
  // For reading and writing, so that it neither waits for a reader nor ends with the first key.
  const keys = await open(`${name}.keys`, 'r+')
  const inside = `stty rows ${rows} cols ${columns}; tty > '${name}.tty'; echo $$ > '${name}.pid'; exec "$@"`
  const shell = `script -qec "$(printf '%q ' bash -c "$0" _ "$@")" /dev/null < '${name}.keys'`
  const run = shop().place.offhook(args, { TERM: 'xterm' }, ['bash', '-c', shell, inside])
  void run.ended.then(() => keys.close())
  return {
    run,
    press: async (text) => void (await keys.write(text)),
    resize(newRows, newColumns) {
      const tty = readFileSync(`${name}.tty`, 'utf8').trim()
      expect(spawnSync('stty', ['-F', tty, 'rows', String(newRows), 'cols', String(newColumns)]).status).toBe(0)
    },
    signal(signal) {
      const pid = Number(readFileSync(`${name}.pid`, 'utf8'))
      // 0 would be this process and all of its group.
      if (!(pid > 1)) throw new Error(`"${pid}" is no process`)
      process.kill(pid, signal)
    },
    screen: () => lastFrame(run.output),
  }
}

/** What is drawn last. A frame begins where the cursor goes home; one that has not come whole is not looked at. */
function lastFrame(output: string): readonly string[] {
  const frames = output.split('\u001b[H').slice(1)
  const frame = frames.findLast((each) => /\u001b\[J$|q ends[^\r]*$/.test(each)) ?? frames.at(-1) ?? ''
  // The terminal's driver puts a carriage return of its own before each line feed.
  return frame
    .replace(/\r*\n\u001b\[J$/, '')
    .split(/\r*\n/)
    .map((line) => line.replaceAll('\u001b[2K', ''))
}

const colons = (mac: string): string => mac.replace(/(..)(?!$)/g, '$1:')

describe('offhook stage scan', () => {
  it('answers each box at once, says what is wrong and goes on, and ends with 1 when something was', async () => {
    const { id } = await bench(0, 4)
    const boxes = [1, 2, 3].map(() => identityOf(shop().nextMac()))
    const [one, two, three] = boxes.map(({ mac, serial }) => ({ mac, serial }))
    if (one === undefined || two === undefined || three === undefined) throw new Error('there are three')
    const lines = [
      labelOf(one),
      `MAC:${colons(two.mac)}`,
      `S/N ${two.serial}`,
      'rubbish',
      labelOf(one),
      one.mac,
      labelOf(three),
      'q',
      'more',
    ]
    const said = await typing(['stage', 'scan', id], `${lines.join('\r\n')}\n`).ended
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 1, errors: '' })
    expect(said.output.split('\n')).toEqual([
      `   1 of 4  ${colons(one.mac)}  ${one.serial}  taken`,
      `   MAC address ${colons(two.mac)}; now its serial number`,
      `   2 of 4  ${colons(two.mac)}  ${two.serial}  taken`,
      '!  "rubbish" is neither a MAC address nor a serial number; expected one like 000E08A1B2C3 and one like FCH2305DMH0',
      `   2 of 4  ${colons(one.mac)}  ${one.serial}  was there already`,
      `   MAC address ${colons(one.mac)}; now its serial number`,
      `!  The MAC address ${colons(one.mac)} came without a serial number; scan both of this box again`,
      `   3 of 4  ${colons(three.mac)}  ${three.serial}  taken`,
      '3 taken, 1 there already, 2 not readable as a box; 3 of 4 in the batch',
      '',
    ])
    const json = await typing(['stage', 'scan', id, '--json'], `${one.mac} FCH0000XXXX\n`).ended
    expect(json.code).toBe(1)
    const documents = json.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(documents).toEqual([
      expect.objectContaining({ outcome: 'refused', mac: one.mac, code: expect.stringMatching(/./) as unknown }),
      { outcome: 'summary', added: 0, already: 0, refused: 1, mistakes: 0, boxes: 3, expected: 4 },
    ])
  })

  it('takes a table with a header from a file and from standard input, and names the lines that are refused', async () => {
    const { id } = await bench(0, 3)
    const [one, two] = [identityOf(shop().nextMac()), identityOf(shop().nextMac())]
    const text = `mac,serial,name\n${one.mac},${one.serial},Lobby\nnonsense,${two.serial},\n`
    const file = await shop().file('boxes.csv', text)
    const dry = await shop().run(['stage', 'scan', id, file, '--dry-run'])
    expect(dry.output).toMatch(
      /^! {2}line 3 {2}nonsense {2}refused: .*\n1 would be taken, 1 refused; 1 of 3 in the batch\n$/,
    )
    const said = await shop().run(['stage', 'scan', id, file])
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 1, errors: '' })
    expect(said.output).toMatch(/1 taken, 1 refused; 1 of 3 in the batch\n$/)
    const piped = await typing(['stage', 'scan', id], `\n${text.split('\n').slice(0, 2).join('\r\n')}\r\n`).ended
    expect({ code: piped.code, output: piped.output }).toEqual({
      code: 0,
      output: '0 taken, 1 there already; 1 of 3 in the batch\n',
    })
  })

  it('rings on a terminal, and ends at Ctrl-C with its summary', async () => {
    const { id } = await bench(0, 2)
    const terminal = await onTerminal(['stage', 'scan', id], { rows: 24, columns: 80 })
    await terminal.run.until('q ends.')
    await terminal.press('rubbish\r')
    await terminal.run.until('\u0007!  "rubbish" is neither')
    await terminal.press('\u0003')
    expect((await terminal.run.ended).output).toContain('0 taken, 1 not readable as a box; 0 of 2 in the batch')
  })

  it('sends a box again while the server is started anew', async () => {
    const { id } = await bench(0, 2)
    const [one, two] = [identityOf(shop().nextMac()), identityOf(shop().nextMac())]
    const terminal = await onTerminal(['stage', 'scan', id], { rows: 24, columns: 120 })
    await terminal.run.until('q ends.')
    await terminal.press(`${labelOf(one)}\r`)
    await terminal.run.until('1 of 2')
    await shop().restart({}, async () => {
      await terminal.press(`${labelOf(two)}\r`)
      await terminal.run.until('the box is sent again until it does')
    })
    await terminal.run.until('2 of 2')
    await terminal.press('q\r')
    const ended = await terminal.run.ended
    expect({ code: ended.code, last: ended.output.trim().split('\r\n').at(-1) }).toEqual({
      code: 0,
      last: '2 taken; 2 of 2 in the batch',
    })
  })
})

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'

describe('offhook stage watch on a terminal', () => {
  it('shows boxes as they come, scrolls, follows the size, and gives the terminal back at q', async () => {
    const { id, phones } = await bench(12)
    const terminal = await onTerminal(['stage', 'watch', id], { rows: 10, columns: 100 })
    await terminal.run.until('1-5 of 12')
    expect(terminal.screen()[1]).toMatch(/^\[-+\] 0 of 12 registered$/)
    const [first, tenth] = [phones[0], phones[9]]
    if (first === undefined || tenth === undefined) throw new Error('there are twelve')
    await terminal.press('\u001b[6~')
    await eventually('the second page', () => terminal.screen().at(-1)?.includes('6-10 of 12') === true)
    expect(terminal.screen().some((line) => line.includes(colons(tenth.mac)))).toBe(true)
    terminal.resize(20, 60)
    await eventually('all of them', () => terminal.screen().length === 20)
    expect(terminal.screen().filter((line) => line.startsWith('. '))).toHaveLength(12)
    expect(Math.max(...terminal.screen().map((line) => line.length))).toBeLessThanOrEqual(60)
    await connect(first)
    await eventually('the bound phone', () =>
      terminal.screen().some((line) => line.startsWith('> ') && line.includes(colons(first.mac))),
    )
    await finish(first)
    await eventually('the registered phone', () => /^\[#+-+\] 1 of 12 registered$/.test(terminal.screen()[1] ?? ''))
    await terminal.press('q')
    const { code, output } = await terminal.run.ended
    expect(code).toBe(0)
    expect(output.split(ENTER)).toHaveLength(2)
    const [, after = ''] = output.split(LEAVE)
    expect(after).toMatch(/^1 of 12 boxes are registered\r\n/)
  })

  it('shows a wrong serial number on top, and a phone of no batch at the end', async () => {
    const { id, phones } = await bench(1, 2)
    const wrong = await shop().box(shop().nextMac())
    await shop().api('POST', `batches/${id}/boxes`, {
      boxes: [{ mac: wrong.mac, serial: 'FCH2305DMH9', name: 'Küche \u202e会議室' }],
    })
    const stranger = await shop().box(shop().nextMac())
    await wrong.asks('/cisco-init')
    await stranger.asks('/cisco-init')
    const terminal = await onTerminal(['stage', 'watch', id], { rows: 24, columns: 120 })
    await terminal.run.until('q ends')
    await eventually('both', () => {
      const text = terminal.screen().join('\n')
      return text.includes('! wrong-serial 1') && text.includes(colons(stranger.mac))
    })
    const screen = terminal.screen()
    expect(screen[4]).toMatch(new RegExp(`^!  ${colons(wrong.mac)}  FCH2305DMH9 .*Küche 会議室`))
    expect(screen[5]).toContain(wrong.serial)
    expect(screen.findIndex((line) => line.startsWith(`?  ${colons(stranger.mac)}`))).toBeGreaterThan(
      screen.findIndex((line) => line.includes(colons(phones[0]?.mac ?? ''))),
    )
    expect(terminal.run.output).not.toContain('\u202e')
    await terminal.press('\u0003')
    expect((await terminal.run.ended).code).toBe(0)
    expect(terminal.run.output).toContain(LEAVE)
  })

  it('goes on while the server is started anew, and gives the terminal back at a signal', async () => {
    const { id } = await bench(1)
    const terminal = await onTerminal(['stage', 'watch', id], { rows: 12, columns: 80 })
    await terminal.run.until('q ends')
    await shop().restart({}, () =>
      eventually('the word about it', () => terminal.screen().some((line) => line.startsWith('! no answer since '))),
    )
    await eventually('the server', () => !terminal.screen().some((line) => line.startsWith('! no answer')))
    terminal.signal('SIGTERM')
    await terminal.run.ended
    expect(terminal.run.output).toContain(LEAVE)
  })
})

describe('offhook stage watch without a terminal', () => {
  it('tells a line a change, and ends with 0 when all are there', async () => {
    const { id, phones } = await bench(1)
    const run = shop().place.offhook(['stage', 'watch', id, '--until', 'registered', '--timeout', '200'])
    const [phone] = phones
    if (phone === undefined) throw new Error('there is one')
    await run.until('  missing')
    await connect(phone)
    await run.until('missing -> bound')
    await finish(phone)
    const { code, output, errors } = await run.ended
    expect({ code, errors, isPlain: !output.includes('\u001b') }).toEqual({ code: 0, errors: '', isPlain: true })
    expect(output).toMatch(/ -> registered\b.*\n1 of 1 boxes are registered\n$/)
  })

  it('ends with 1 after its time, and names what is missing and the wrong serial number', async () => {
    const { id, phones } = await bench(1, 3)
    const wrong = await shop().box(shop().nextMac())
    await shop().api('POST', `batches/${id}/boxes`, { boxes: [{ mac: wrong.mac, serial: 'FCH2305DMH8' }] })
    await wrong.asks('/cisco-init')
    await eventually('the wrong serial number', async () => {
      const { counts } = await shop().api<{ readonly counts: Readonly<Record<string, number>> }>(
        'GET',
        `batches/${id}/staging`,
      )
      return counts['wrong-serial'] === 1
    })
    const args = ['stage', 'watch', id, '--until', 'bound', '--timeout', '1']
    const text = await shop().run(args)
    expect({ code: text.code, errors: text.errors }).toEqual({
      code: 1,
      errors: 'offhook: Not all boxes are bound: 0 of 3\n',
    })
    expect(text.output).toMatch(
      new RegExp(
        `\n0 of 3 boxes are bound\n  1 that were expected are not scanned\n  ${colons(wrong.mac)}  FCH2305DMH8  wrong-serial.*: .*${wrong.serial}.*\n  ${colons(phones[0]?.mac ?? '')}  \\S+  missing`,
      ),
    )
    const json = await shop().run([...args, '--json'])
    expect(json.code).toBe(1)
    const documents = json.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly kind: string })
    expect(documents.filter(({ kind }) => kind === 'box')).toHaveLength(2)
    expect(documents.at(-1)).toMatchObject({
      kind: 'summary',
      goal: 'bound',
      reached: false,
      there: 0,
      total: 3,
      unscanned: 1,
      left: [
        { mac: wrong.mac, stage: 'wrong-serial' },
        { mac: phones[0]?.mac, stage: 'missing' },
      ],
    })
  })
})

describe('the other commands of offhook stage', () => {
  it('new makes a batch for a Customer ID and prints its id, and list names it', async () => {
    const about = ['--model', 'CP-8851-3PCC', '--count', '7']
    const made = await shop().well(['stage', 'new', '--customer', 'shop-0', ...about])
    expect(made.output).toMatch(/^\S+\n$/)
    const list = await shop().well(['stage', 'list', '--account', shop().provider.accounts[0]?.id ?? ''])
    expect(list.output).toMatch(
      new RegExp(
        String.raw`^${made.output.trim()}  open +0 of 7  \d{4}-\d\d-\d\d  Bench \d{4}-\d\d-\d\d \d\d:\d\d$`,
        'm',
      ),
    )
  })

  it('missing is the pick list, as lines and as CSV', async () => {
    const { id, phones } = await bench(1, 3)
    const [phone] = phones
    const said = await shop().well(['stage', 'missing', id])
    expect(said.output).toMatch(
      new RegExp(
        String.raw`^${colons(phone?.mac ?? '')}  ${phone?.serial}  CP-8851-3PCC  missing(?:  .*)?\n    \S.*\n2 that were expected are not scanned\n$`,
      ),
    )
    expect((await shop().well(['stage', 'missing', id, '--csv'])).output).toMatch(/^mac,serial,[\s\S]*missing/)
  })

  it('labels writes a PDF for the phones that are named, and remove takes a box out', async () => {
    const { id, phones } = await bench(2)
    const mac = colons(phones[0]?.mac ?? '')
    const pdf = join(shop().place.folder, 'labels.pdf')
    await shop().well(['stage', 'labels', id, '--out', pdf, '--layout', 'roll-62x29', '--mac', mac])
    expect((await readFile(pdf)).subarray(0, 5).toString()).toBe('%PDF-')
    expect((await shop().well(['stage', 'remove', id, mac])).output).toBe(`${mac} is out of the batch\n`)
    const { boxes } = await shop().api<{ readonly boxes: readonly { readonly mac: string }[] }>(
      'GET',
      `batches/${id}/staging`,
    )
    expect(boxes.map((box) => box.mac)).toEqual([phones[1]?.mac])
  })

  it('ship names each box that is not ready, and locks the batch with --force until reopen', async () => {
    const { id, phones } = await bench(25)
    const refused = await shop().run(['stage', 'ship', id, '--json'])
    expect({ code: refused.code, json: refused.json }).toMatchObject({ code: 1, json: { type: 'batch-not-ready' } })
    for (const { mac } of phones) expect(refused.errors).toMatch(new RegExp(`^  ${colons(mac)}: .`, 'm'))
    expect((await shop().well(['stage', 'ship', id, '--force'])).output).toBe('Bench of Monday: 25 boxes shipped\n')
    const late = await typing(['stage', 'scan', id], `${shop().nextMac()} FCH2305DMH0\n`).ended
    expect({ code: late.code, output: late.output }).toEqual({ code: 1, output: '' })
    expect(late.errors).toContain('shipped')
    expect((await shop().well(['stage', 'reopen', id])).output).toBe('Bench of Monday is open\n')
  })

  it('change and delete do so for whoever may only stage, while the batch is open and empty', async () => {
    const { id, phones } = await bench(1, 3)
    const about = { name: 'bench', scopes: ['stage'], accountId: shop().provider.accounts[0]?.id }
    const token = plant((await shop().api<{ readonly token: string }>('POST', 'tokens', about)).token)
    const as = (...args: readonly string[]) => shop().run(['stage', ...args, '--token', token])
    const changed = await as('change', id, '--name', 'Shop 7', '--count', '5')
    expect({ code: changed.code, output: changed.output }).toEqual({
      code: 0,
      output: expect.stringMatching(new RegExp(`^${id}  open +1 of 5  \\S+  Shop 7\n$`)) as unknown,
    })
    expect((await as('change', id, '--no-count', '--no-model', '--json')).json).toMatchObject({
      name: 'Shop 7',
      expected: null,
      model: null,
    })
    const full = await as('delete', id)
    expect({ code: full.code, output: full.output }).toEqual({ code: 1, output: '' })
    expect(full.errors).toContain('Take them out first')
    expect((await as('remove', id, phones[0]?.mac ?? '')).code).toBe(0)
    const gone = await as('delete', id)
    expect({ code: gone.code, output: gone.output }).toEqual({ code: 0, output: `${id} is deleted\n` })
    expect((await as('change', id, '--name', 'x')).errors).toContain(`"${id}"`)
  })

  it('are told what is wrong', async () => {
    for (const [args, code, said] of [
      [['new', '--customer', 'nobody-0'], 1, /no account with the Customer ID "nobody-0"/],
      [['watch', 'bat_none', '--timeout', '5'], 2, /--timeout needs --until/],
      [['watch', 'bat_none'], 1, /"bat_none"/],
      [['change', 'bat_none'], 2, /--name, --count or --model/],
      [['change', 'bat_none', '--count', 'many'], 2, /"many" is not a whole number/],
      [['delete', 'bat_none'], 1, /"bat_none"/],
    ] as const) {
      const ended = await shop().run(['stage', ...args])
      expect({ args, code: ended.code, output: ended.output }).toEqual({ args, code, output: '' })
      expect(ended.errors).toMatch(said)
    }
  })
})
