/** A real Chromium in front of the web pages of a virtual phone; for the tests of this folder only. */
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { type Browser, type BrowserContextOptions, chromium, type Page, type Response } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'

import type { PhonePolicies } from '../../phone/agent/mod.ts'
import type { PhoneShellOptions } from '../../phone/shell/mod.ts'
import { HASTY, HOST, leaseOf, runPhone, serveHttp, type WatchedPhone } from '../../phone/shell/testing.ts'

/** No GPU, no sandbox (tests may run as root), and not a word to the makers of the browser. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** For one step in the browser. */
const STEP_MS = 10_000
/** For the processes of the browser to end after it was closed. */
const LEAVE_MS = 5000

/** How a test opens pages. */
export interface Session {
  /** A window of its own, with nothing remembered; closed after the test. */
  readonly openPage: (options?: BrowserContextOptions) => Promise<Page>
}

/** One browser for a test file. To be called once in it; all that the browser left behind is an error. */
export function browseInThisFile(): Session {
  let scratch = ''
  let browser: Browser | undefined
  beforeAll(async () => {
    const executablePath = findChromium(process.env['PATH'])
    scratch = mkdtempSync(join(tmpdir(), 'offhook-browser-'))
    const env = { PATH: process.env['PATH'] ?? '', HOME: scratch, TMPDIR: scratch }
    browser = await chromium.launch({ executablePath, args: FLAGS, env, artifactsDir: scratch, timeout: STEP_MS * 3 })
  })
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close()
  })
  afterAll(async () => {
    await browser?.close()
    if (scratch === '') return
    await allGone(scratch)
    rmSync(scratch, { recursive: true, force: true })
  })
  return {
    async openPage(options = {}) {
      if (browser === undefined) throw new Error('The browser has not started')
      const context = await browser.newContext(options)
      context.setDefaultTimeout(STEP_MS)
      return context.newPage()
    },
  }
}

/** @returns the program. Throws one line that names the Debian package. */
export function findChromium(path = ''): string {
  const found = path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, 'chromium'))
    .find(isExecutable)
  if (found === undefined) throw new Error('Cannot run "chromium": install the Debian package chromium')
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent or not for us: both mean "look further"
  }
}

/** Every process of the browser has the scratch folder in its environment. */
async function allGone(scratch: string): Promise<void> {
  const deadline = Date.now() + LEAVE_MS
  while (processesOf(scratch).length > 0) {
    if (Date.now() > deadline) throw new Error(`Chromium still runs: processes ${processesOf(scratch).join(', ')}`)
    await delay(20)
  }
}

function processesOf(scratch: string): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`TMPDIR=${scratch}`))
}

function environmentOf(processId: string): string {
  try {
    return readFileSync(`/proc/${processId}/environ`, 'latin1')
  } catch {
    return '' // it has just ended, or is another user's
  }
}

/** A phone that has taken these elements from a provisioning server. */
export interface ServedPhone {
  readonly phone: WatchedPhone
  /** Without the slash at its end. */
  readonly url: string
  /** What the phone has stored. */
  readonly value: (element: string) => string | undefined
}

/** Takes what a profile says into use at once: going down takes a phone two seconds. */
const WITHOUT_RESTARTS: Partial<PhonePolicies> = { ...HASTY, rebootSections: [] }

/**
 * @param elements  lines of a profile, e.g. `<GPP_A ua="rw">x</GPP_A>`
 * @param options   beside `WITHOUT_RESTARTS`
 */
export async function servePhone(elements: string, options: Partial<PhoneShellOptions> = {}): Promise<ServedPhone> {
  const profile = `<flat-profile>\n${elements}\n</flat-profile>\n`
  const port = await serveHttp((_request, response) => response.end(profile))
  const phone = await runPhone({ policies: WITHOUT_RESTARTS, lease: leaseOf(`http://${HOST}:${port}`), ...options })
  await phone.event('resync-finished')
  return {
    phone,
    url: await upAgain(phone),
    value: (element) => phone.agent().flash.parameters.get(element)?.value,
  }
}

/** Resolves with the address of the phone's pages as soon as it is up, also after a restart that parameters asked for. */
export async function upAgain(phone: WatchedPhone): Promise<string> {
  await phone.until(({ ram }) => ram.mode === 'running' && phone.webUrl() !== undefined, STEP_MS)
  return (phone.webUrl() ?? '').replace(/\/$/, '')
}

/** Presses "Submit All Changes" and waits for the next page. */
export async function submitAll(page: Page): Promise<Response> {
  const [response] = await Promise.all([
    page.waitForResponse((each) => each.request().method() === 'POST'),
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Submit All Changes' }).click(),
  ])
  return response
}

/** @returns the tabs that the page links to, in its order, without those that are like Ext 2 */
export async function tabsOf(page: Page): Promise<readonly string[]> {
  const tabs = await page.getByRole('navigation').getByRole('link').allTextContents()
  return tabs.filter((tab) => !/^Ext (?:[3-9]|\d\d)$/.test(tab))
}

/** @returns the value of a row on the Info page */
export async function infoOf(page: Page, label: string): Promise<string> {
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: label, exact: true }) })
  return row.getByRole('cell').innerText()
}
