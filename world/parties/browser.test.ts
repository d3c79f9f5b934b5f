/** The web pages of a virtual phone in a real Chromium: reading, changing, wrong values, keyboard, narrow screens. */
import { describe, expect, it } from 'vitest'

import { makeCa } from '../../phone/shell/testing-certificates.ts'
import { closeAfterEach, HASTY } from '../../phone/shell/testing.ts'
import { faintIn, focusIn, isInView, tooWideIn, unlabelledIn } from './browser-looks.ts'
import { browseInThisFile, findChromium, infoOf, servePhone, submitAll, tabsOf, upAgain } from './browser-session.ts'

const { openPage } = browseInThisFile()
closeAfterEach()

/** A value that has no place to break a line. */
const ENDLESS = 'x'.repeat(300)
const NARROW = { viewport: { width: 380, height: 700 } }

it('says in one line which Debian package is missing', () => {
  expect(() => findChromium('/nowhere:')).toThrow(/^Cannot run "chromium": install the Debian package chromium$/)
})

describe('the pages in Chromium', () => {
  it('lead from Info over every tab and back, without a complaint of the browser [MPP §7.3]', async () => {
    const { url } = await servePhone('<Cfwd_All_Dest ua="rw">7001</Cfwd_All_Dest>')
    const page = await openPage()
    const complaints: string[] = []
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    page.on('requestfailed', (request) => complaints.push(request.url()))
    await page.goto(url)
    await page.getByRole('link', { name: 'Admin login' }).click()
    const tabs = await tabsOf(page)
    expect(tabs).toEqual(expect.arrayContaining(['Info', 'System', 'Provisioning', 'Regional', 'User', 'Ext 2']))
    for (const tab of tabs) {
      await page.getByRole('link', { name: tab, exact: true }).click()
      await page.waitForURL((at) => at.searchParams.get('tab') === tab)
      expect(await page.locator('[aria-current=page]').allTextContents()).toEqual([tab])
      expect(await page.locator('main h2').count()).toBeGreaterThan(0)
    }
    await page.getByRole('link', { name: 'User pages' }).click()
    await page.getByText('Account user').waitFor()
    expect(complaints).toEqual([])
  })

  it('tell on Info what the phone is and how provisioning went [MPP §7.4]', async () => {
    const { url } = await servePhone('<GPP_A>x</GPP_A>')
    const page = await openPage()
    for (const path of ['/', '/admin']) {
      await page.goto(url + path)
      expect(await infoOf(page, 'Product Name')).toBe('CP-8851-3PCC')
      expect(await infoOf(page, 'MAC Address')).toBe('00:0e:08:aa:bb:cc')
      expect(await infoOf(page, 'Customization')).toBe('Aborted')
      expect(await infoOf(page, 'Provisioning Status 1')).toMatch(/^\[\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d\] \S/)
      expect(await infoOf(page, 'Provisioning Status 2')).toBe('')
    }
  })
})

describe('"Submit All Changes" in Chromium', () => {
  it.each([
    ['Provisioning', 'Resync Periodic', 'Resync_Periodic', '7200'],
    ['Provisioning', 'Resync At (HHmm)', 'Resync_At__HHmm_', '0315'],
    ['Regional', 'Dial Tone', 'Dial_Tone', '350@-18,440@-18;10(*/0/1+2)'],
    ['Provisioning', 'GPP A', 'GPP_A', 'a "b" <c> & ü €'],
  ])('on %s stores %s and shows it again [MPP §5.3]', async (tab, label, element, wanted) => {
    const { url, value } = await servePhone('')
    const page = await openPage()
    await page.goto(`${url}/admin/advanced?tab=${tab}`)
    const field = page.getByLabel(label, { exact: true })
    expect(await field.inputValue()).not.toBe(wanted)
    await field.fill(wanted)
    expect((await submitAll(page)).status()).toBe(200)
    expect(await page.getByRole('status').first().innerText()).toBe(`Saved: ${element}.`)
    expect(value(element)).toBe(wanted)
    await page.goto(`${url}/admin/advanced?tab=${tab}`)
    expect(await field.inputValue()).toBe(wanted)
  })

  it('stores what was chosen from a list, and only that [MPP §5.3]', async () => {
    const { phone, url, value } = await servePhone('')
    const before = new Set(phone.agent().flash.parameters.keys())
    const page = await openPage()
    await page.goto(`${url}/admin/advanced?tab=Regional`)
    await page.getByLabel('Time Zone', { exact: true }).selectOption('GMT+01:00')
    await submitAll(page)
    expect(value('Time_Zone')).toBe('GMT+01:00')
    expect([...phone.agent().flash.parameters.keys()].filter((element) => !before.has(element))).toEqual(['Time_Zone'])
    await page.goto(`${url}/admin/advanced?tab=Regional`)
    expect(await page.getByLabel('Time Zone', { exact: true }).inputValue()).toBe('GMT+01:00')
  })

  it('shows a wrong value with its error and saves nothing, also not what was right [MPP §14]', async () => {
    const { url, value } = await servePhone('')
    const page = await openPage()
    await page.goto(`${url}/admin/advanced?tab=Provisioning`)
    await page.getByLabel('GPP B', { exact: true }).fill('right')
    const wrong = page.getByLabel('Forced Resync Delay', { exact: true })
    await wrong.fill('soon')
    expect((await submitAll(page)).status()).toBe(400)
    expect([value('GPP_B'), value('Forced_Resync_Delay')]).toEqual([undefined, undefined])
    expect(await page.getByRole('alert').innerText()).toMatch(
      /^Nothing was saved\.\s+Forced_Resync_Delay: Expected a number/,
    )
    expect(await page.locator('[aria-invalid]').evaluateAll((fields) => fields.map(({ id }) => id))).toEqual([
      'f-Forced_Resync_Delay',
    ])
    const error = page.locator('#f-Forced_Resync_Delay ~ .error')
    expect(await error.isVisible()).toBe(true)
    expect(await wrong.getAttribute('aria-describedby')).toContain((await error.getAttribute('id')) ?? 'no id')
    expect([await wrong.inputValue(), await page.getByLabel('GPP B', { exact: true }).inputValue()]).toEqual([
      'soon',
      'right',
    ])
    await page.getByRole('alert').getByRole('link').click()
    await expect.poll(() => isInView(page, '#f-Forced_Resync_Delay')).toBe(true)
    await wrong.fill('60')
    await submitAll(page)
    expect([value('GPP_B'), value('Forced_Resync_Delay')]).toEqual(['right', '60'])
  })

  it('restarts the phone where it must; a page from before is then out of date [MPP §5.3] [MPP §5.7]', async () => {
    const { phone, url, value } = await servePhone('', { policies: HASTY })
    const [page, old] = [await openPage(), await openPage()]
    for (const each of [page, old]) await each.goto(`${url}/admin/advanced?tab=System`)
    await page.getByLabel('Host Name', { exact: true }).fill('reception')
    await submitAll(page)
    expect(await page.getByRole('status').first().innerText()).toContain('The phone restarts')
    expect(await upAgain(phone)).toBe(url)
    await page.goto(`${url}/admin/advanced?tab=System`)
    expect(await page.getByLabel('Host Name', { exact: true }).inputValue()).toBe('reception')
    await old.getByLabel('Host Name', { exact: true }).fill('other')
    expect((await submitAll(old)).status()).toBe(403)
    expect(await old.locator('main').innerText()).toContain('Open the page again')
    expect(value('Host_Name')).toBe('reception')
  })

  it('works over HTTPS too [MPP §7.2]', async () => {
    const ca = await makeCa('CN=Factory')
    const pair = await ca.issue('OU=CP-8851-3PCC, L=FCH2305DMH0, ST=000e08aabbcc')
    const { url, value } = await servePhone('<Enable_Protocol>Https</Enable_Protocol>', {
      policies: HASTY,
      tls: { ...pair, caPem: ca.certPem },
    })
    expect(url).toMatch(/^https:/)
    const page = await openPage({ ignoreHTTPSErrors: true })
    await page.goto(`${url}/admin/advanced?tab=Provisioning`)
    await page.getByLabel('GPP C', { exact: true }).fill('by TLS')
    expect((await submitAll(page)).status()).toBe(200)
    expect(value('GPP_C')).toBe('by TLS')
  })
})

describe('for everybody', () => {
  it('each field has a label, and each word enough contrast, by day and by night [WCAG 1.3.1, 1.4.3]', async () => {
    const { url } = await servePhone(
      '<Password_1_>s3cret-of-line-1</Password_1_>\n<Voice_Mail_Number ua="ro">8000</Voice_Mail_Number>',
    )
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await openPage({ colorScheme })
      for (const path of ['/admin/advanced?tab=Ext%201', '/?tab=Phone', '/?tab=User', '/admin', '/nothing']) {
        await page.goto(url + path)
        expect(await unlabelledIn(page)).toEqual([])
        expect(await faintIn(page)).toEqual([])
      }
      await page.goto(`${url}/admin/advanced?tab=Provisioning`)
      await page.getByLabel('Forced Resync Delay', { exact: true }).fill('soon')
      await submitAll(page)
      expect(await page.locator('.error').count()).toBe(1)
      expect(await faintIn(page)).toEqual([])
    }
  })

  it('the keyboard alone reaches every field, none hidden behind the button, and submits [WCAG 2.1.1, 2.4.11]', async () => {
    const { url, value } = await servePhone('')
    const page = await openPage(NARROW)
    await page.goto(`${url}/admin/advanced?tab=Regional`)
    const wanted = await page.locator('main :is(input:not([type=hidden]), select, button)').count()
    expect(wanted).toBeGreaterThan(50)
    await page.locator('nav a').last().focus()
    for (let count = 0; count < wanted; count += 1) {
      await page.keyboard.press('Tab')
      const focus = await focusIn(page)
      if (!focus.inMain || focus.covered) expect(focus).toEqual({ ...focus, inMain: true, covered: false })
    }
    expect((await focusIn(page)).text).toBe('Submit All Changes')
    await page.getByLabel('Reorder Delay', { exact: true }).focus()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('7')
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
    expect(value('Reorder_Delay')).toBe('7')
  })

  it('nothing is wider than a screen of 380 px, whatever the values are', async () => {
    const { url } = await servePhone(
      [`<GPP_A ua="ro">${ENDLESS}</GPP_A>`, `<GPP_B ua="rw">http://h/${ENDLESS}</GPP_B>`].join('\n'),
    )
    const page = await openPage(NARROW)
    for (const path of ['/', '/admin']) {
      await page.goto(url + path)
      for (const tab of await tabsOf(page)) {
        await page.goto(`${url}${path === '/' ? '/' : '/admin/advanced'}?tab=${encodeURIComponent(tab)}`)
        expect([tab, ...(await tooWideIn(page))]).toEqual([tab])
      }
    }
    await page.goto(`${url}/admin/advanced?tab=Provisioning`)
    await page.getByLabel('Forced Resync Delay', { exact: true }).fill(ENDLESS)
    await submitAll(page)
    expect(await tooWideIn(page)).toEqual([])
  })
})
