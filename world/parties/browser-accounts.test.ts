/** Who may see and change what on the pages of a virtual phone, in a real Chromium: digest, user access, secrets. */
import { randomBytes } from 'node:crypto'

import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'

import { closeAfterEach } from '../../phone/shell/testing.ts'
import { plant } from '../../server/testing-facts.ts'
import { valuesIn } from './browser-looks.ts'
import { browseInThisFile, servePhone, submitAll, tabsOf } from './browser-session.ts'

const { openPage } = browseInThisFile()
closeAfterEach()

/** Of three kinds of characters, as a web password must be (MPP §7.1). */
function madeUp(): string {
  return plant(`Aa1-${randomBytes(12).toString('hex')}`)
}

const ADMIN = { username: 'admin', password: madeUp() }
const USER = { username: 'user', password: madeUp() }
const PASSWORDS = [
  `<Admin_Password>${ADMIN.password}</Admin_Password>`,
  `<User_Password>${USER.password}</User_Password>`,
].join('\n')

/** The status of a page, and whether it has the fields or the status of the phone. */
async function visit(page: Page, address: string): Promise<readonly [number | undefined, boolean]> {
  const response = await page.goto(address)
  return [response?.status(), (await page.locator('nav').count()) > 0]
}

describe('signing in with Chromium', () => {
  it('opens the pages by digest for the right password only [MPP §7.1] [RFC 7616 §3.4]', async () => {
    const { phone, url } = await servePhone(PASSWORDS)
    const admin = await openPage({ httpCredentials: ADMIN })
    for (const path of ['/', '/admin', '/admin/advanced?tab=User', '/']) {
      expect([path, ...(await visit(admin, url + path))]).toEqual([path, 200, true])
    }
    // A session begins with a right digest only; the password itself does not open one.
    expect(new Set(phone.agent().ram.web.sessions.map(({ account }) => account))).toEqual(new Set(['admin']))
    const user = await openPage({ httpCredentials: USER })
    expect(await visit(user, `${url}/?tab=User`)).toEqual([200, true])
    expect(await visit(user, `${url}/admin`)).toEqual([401, false])
    expect(await visit(user, url)).toEqual([200, true])
    const swapped = await openPage({ httpCredentials: { ...USER, password: ADMIN.password } })
    expect(await visit(swapped, url)).toEqual([401, false])
    const nobody = await openPage()
    await expect(nobody.goto(url)).rejects.toThrow(/ERR_INVALID_AUTH_CREDENTIALS/)
  })

  it('lets a signed-in admin change a parameter, and the next page is open without asking again [MPP §7.1]', async () => {
    const { phone, url, value } = await servePhone(PASSWORDS)
    const page = await openPage({ httpCredentials: ADMIN })
    await page.goto(`${url}/admin/advanced?tab=Provisioning`)
    await page.getByLabel('GPP D', { exact: true }).fill('signed in')
    expect((await submitAll(page)).status()).toBe(200)
    expect(value('GPP_D')).toBe('signed in')
    expect(phone.agent().ram.web.sessions.length).toBe(1)
    expect(phone.agent().ram.web.guessers).toEqual([])
  })

  it('as user is no guess at the admin password, however often the browser tries it by itself [RFC 7616 §3.6]', async () => {
    const { phone, url } = await servePhone(PASSWORDS)
    const page = await openPage({ httpCredentials: USER })
    await page.goto(url)
    // What the browser does while its question for the password of the admin is cancelled: it has no password to send.
    await page.context().setHTTPCredentials(null)
    for (let count = 0; count < 6; count += 1) await page.goto(`${url}/admin`).catch(() => undefined)
    expect(phone.agent().ram.web.guessers).toEqual([])
    // A page of its own: the other one may still be showing the browser's own error page.
    expect(await visit(await page.context().newPage(), url)).toEqual([200, true])
  })
})

describe('the user account in Chromium', () => {
  const ACCESS = [
    '<Cfwd_All_Dest ua="rw">7001</Cfwd_All_Dest>',
    '<Voice_Mail_Number ua="ro">8000</Voice_Mail_Number>',
    '<GPP_A ua="na">hidden-from-user</GPP_A>',
  ].join('\n')

  it('sees ro without an input, na not at all, and may change rw [MPP §1.3]', async () => {
    const { url, value } = await servePhone(ACCESS)
    const page = await openPage()
    await page.goto(url)
    const sources: string[] = []
    const readOnly: string[] = []
    for (const tab of await tabsOf(page)) {
      await page.goto(`${url}/?tab=${encodeURIComponent(tab)}`)
      sources.push(await page.content())
      expect(await page.locator('[name=Voice_Mail_Number], [name=GPP_A]').count()).toBe(0)
      readOnly.push(...(await page.locator('#f-Voice_Mail_Number').allTextContents()))
    }
    expect(readOnly).toEqual(['8000'])
    expect(sources.join('').includes('GPP_A')).toBe(false)
    expect(sources.join('').includes('hidden-from-user')).toBe(false)
    await page.goto(`${url}/?tab=User`)
    await page.getByLabel('Cfwd All Dest', { exact: true }).fill('7002')
    expect((await submitAll(page)).status()).toBe(200)
    expect(value('Cfwd_All_Dest')).toBe('7002')
    expect(await page.getByLabel('Cfwd All Dest', { exact: true }).inputValue()).toBe('7002')
  })

  it('gets no further with a field that was added to the page by hand [MPP §1.3]', async () => {
    const { url, value } = await servePhone(ACCESS)
    const page = await openPage()
    await page.goto(`${url}/?tab=User`)
    await page.getByLabel('Cfwd All Dest', { exact: true }).evaluate((field) => field.setAttribute('name', 'GPP_A'))
    await page.locator('[name=GPP_A]').fill('taken over')
    expect((await submitAll(page)).status()).toBe(400)
    expect(value('GPP_A')).toBe('hidden-from-user')
  })
})

describe('secrets', () => {
  it('are in the source of no page, in no field, also not after a refused form [MPP §1.8] [MPP §14]', async () => {
    const [line, key, typed] = [madeUp(), madeUp(), madeUp()]
    const { url, value } = await servePhone(
      [
        PASSWORDS,
        `<Password_1_ ua="rw">${line}</Password_1_>`,
        `<Report_Rule ua="rw">[--key ${key}] http://127.0.0.1:1/x</Report_Rule>`,
      ].join('\n'),
    )
    const secrets = [ADMIN.password, USER.password, line, key, typed]
    const page = await openPage({ httpCredentials: ADMIN })
    const shows = async (): Promise<boolean> => {
      const fields = await valuesIn(page)
      const text = [await page.content(), ...fields].join('\n')
      return secrets.some((secret) => text.includes(secret))
    }
    const leaking: string[] = []
    for (const path of ['/', '/admin/advanced']) {
      await page.goto(url + path)
      for (const tab of await tabsOf(page)) {
        await page.goto(`${url}${path}?tab=${encodeURIComponent(tab)}`)
        if (await shows()) leaking.push(`${path} ${tab}`)
      }
    }
    expect(leaking).toEqual([])
    await page.goto(`${url}/admin/advanced?tab=Ext%201`)
    await page.getByLabel('Password', { exact: true }).fill(typed)
    await page.getByLabel('SIP Port', { exact: true }).fill('99999')
    expect((await submitAll(page)).status()).toBe(400)
    expect(await shows()).toBe(false)
    expect(value('Password_1_') === line).toBe(true)
  })
})
