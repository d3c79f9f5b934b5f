import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { catalogue, readProfile, storedParameter } from '../../../protocol/profile/mod.ts'
import { parseXml } from '../../../protocol/xml/mod.ts'
import { MASK, withoutSecrets } from '../hidden.ts'
import { statusReport } from '../status-report.ts'
import { stepLines } from '../sip/mod.ts'
import type { Agent } from '../types.ts'
import { isStrongPassword } from './submit.ts'
import { ask, NOW, phone, post, seeded } from './testdata/phone.ts'

const SECRET = 'zQ9-hidden-value'
/** Local time is UTC. */
const GREENWICH = { Time_Zone: 'GMT', Daylight_Saving_Time_Enable: 'No' }

function valueOf(answer: ReturnType<typeof ask>, element: string): string {
  return storedParameter(answer.agent.flash.parameters, element).value
}

const TIMES = /\d\d\/\d\d\/(?:\d{4}|\d\d) \d\d:\d\d:\d\d/g

/** A phone whose every row with a time tells of NOW. */
function pastOf(blank: Agent): Agent {
  const lease = { address: '192.0.2.9', domain: undefined, options: new Map<number, string>() }
  const { agent } = stepLines({ ...blank, ram: { ...blank.ram, lease } }, { kind: 'start' }, NOW, seeded(1))
  const entry = { at: NOW, text: 'done' }
  return {
    ...agent,
    flash: {
      ...agent.flash,
      provisioningHistory: [entry],
      upgradeHistory: [entry],
      rebootHistory: [{ at: NOW, reason: 'Provisioning' }],
      customCa: { ...agent.flash.customCa, last: { ok: false, at: NOW } },
    },
    ram: {
      ...agent.ram,
      timers: { resync: NOW },
      cwmp: { ...agent.ram.cwmp, lastSession: { at: NOW, ok: true, text: 'ended' } },
    },
  }
}

describe('the pages of an account', () => {
  const agent = phone({ Cfwd_All_Dest: ['7001', 'rw'], Voice_Mail_Number: ['8000', 'ro'], Proxy_1_: 'sip.example.net' })

  it('obey user access: na is hidden, ro is shown, rw can be changed [MPP §1.3] [guide: Configuration Access Control]', () => {
    const pages = ['User', 'Phone', 'Ext 1']
      .map((tab) => ask(agent, `/?tab=${encodeURIComponent(tab)}`).response.body)
      .join('')
    expect(pages).toContain('name="Cfwd_All_Dest" value="7001"')
    expect(pages).toMatch(/<output id="f-Voice_Mail_Number">8000<\/output>/)
    expect(pages).not.toContain('Proxy_1_')
  })

  it('show the admin everything that can be set, tab by tab [MPP §7.1] [MPP §7.3]', () => {
    const body = ask(agent, '/admin/advanced?tab=Ext%201').response.body
    expect(body).toContain('name="Proxy_1_" value="sip.example.net"')
    expect(body).not.toContain('name="Proxy_2_"')
    for (const tab of ['Info', 'System', 'SIP', 'Provisioning', 'Regional', 'Phone', 'User', 'Ext 10'])
      expect(body).toContain(`>${tab}</a>`)
  })

  it('never offer the write-only registers [MPP §5.1]', () => {
    expect(ask(phone({ GPP_SA: SECRET }), '/admin/advanced?tab=Provisioning').response.body).not.toContain('GPP_SA')
  })

  it('escape what a value holds', () => {
    const body = ask(phone({ Display_Name_1_: '"><script>x' }), '/admin/advanced?tab=Ext%201').response.body
    expect(body).not.toContain('<script')
    expect(body).toContain('&quot;&gt;&lt;script&gt;x')
  })

  it('tell product, downloads, customization and reboots on the Info page [MPP §7.4]', () => {
    const running = phone(GREENWICH)
    const flash = {
      ...running.flash,
      provisioningHistory: [{ at: NOW, text: 'Resync succeeded' }],
      rebootHistory: [{ at: NOW, reason: 'Provisioning' as const }],
    }
    const body = ask({ ...running, flash }, '/admin').response.body
    for (const text of [
      'CP-8851-3PCC',
      'FCH2305DMH0',
      'sip88xx.12-0-2MPP0001-609',
      '2.0.1',
      '00:0e:08:aa:bb:cc',
      'Installed',
      'Open',
    ]) {
      expect(body).toContain(`<td>${text}</td>`)
    }
    expect(body).toContain('[11/14/2023 22:13:20] Resync succeeded')
    expect(body).toContain('[11/14/23 22:13:20]Provisioning')
    expect(body).toContain('Firmware Upgrade Status 3')
  })

  it.each(['resync', 'periodic', 'retry', 'resync-at'])(
    'tell the next resync when the alarm %s is set [MPP §7.4]',
    (timer) => {
      const running = phone(GREENWICH)
      const body = ask({ ...running, ram: { ...running.ram, timers: { [timer]: NOW + 61_000 } } }, '/admin').response
        .body
      expect(body).toContain('<th scope="row">Next Resync</th><td>11/14/2023 22:14:21</td>')
    },
  )

  // NOW is 11/14/2023 22:13:20 in UTC, when the factory's rule has no summer time.
  it.each([
    ['GMT+01:00', {}, '11/14/2023 23:13:20'],
    ['GMT-08:00', {}, '11/14/2023 14:13:20'],
    ['GMT+05:45', {}, '11/15/2023 03:58:20'],
    ['GMT', { Daylight_Saving_Time_Rule: 'start=10/1/7/2;end=4/1/7/3;save=1' }, '11/14/2023 23:13:20'],
  ])('tell every time by the clock of the phone, here %s with %j [MPP §7.4] [MPP §13.6]', (zone, summer, local) => {
    const timed = pastOf(
      phone({ Time_Zone: zone, ...summer, 'Enable_TR-069': 'Yes', User_ID_1_: '1001', Proxy_1_: 'sip.test' }),
    )
    const short = local.replace('/2023', '/23')
    for (const target of ['/admin', '/admin/status.xml']) {
      const body = ask(timed, target).response.body
      expect(body.match(TIMES)).toEqual([local, local, local, local, local, short, local, local])
    }
    expect(statusReport(timed, NOW).match(TIMES)).toEqual([local, local, local, local, local])
  })

  it('tell the time of the custom CA anew when the zone changes [MPP §7.4] [MPP §13.6]', () => {
    const { flash, ...rest } = pastOf(phone(GREENWICH))
    const parameters = new Map([...flash.parameters, ...phone({ Time_Zone: 'GMT+09:00' }).flash.parameters])
    const body = ask({ ...rest, flash: { ...flash, parameters } }, '/admin').response.body
    expect(body).toContain('Last provisioning failed on 11/15/2023 07:13:20')
  })

  it('tell the same in status.xml, which is XML [MPP §7.4]', () => {
    const running = phone({ ...GREENWICH, User_ID_1_: '<1001>' })
    const flash = { ...running.flash, rebootHistory: [{ at: NOW, reason: 'Upgrade' as const }] }
    const xml = ask({ ...running, flash }, '/status.xml').response.body
    expect(parseXml(xml).ok).toBe(true)
    expect(xml).toContain('<Reboot_Reason_1>[11/14/23 22:13:20]Upgrade</Reboot_Reason_1>')
  })
})

describe('a submitted form', () => {
  it('saves for the user what is rw and tells the core [MPP §1.3]', () => {
    const answer = post(phone({ Cfwd_All_Dest: ['', 'rw'] }), '/', { Cfwd_All_Dest: '7002' })
    expect(valueOf(answer, 'Cfwd_All_Dest')).toBe('7002')
    expect(answer.commands).toEqual([{ kind: 'locally-changed', elements: ['Cfwd_All_Dest'] }])
    expect(storedParameter(answer.agent.flash.parameters, 'Cfwd_All_Dest').userModified).toBe(true)
  })

  it.each([
    ['a hidden parameter', { Proxy_1_: 'evil.example' }],
    ['a read-only parameter', { Voice_Mail_Number: '1' }],
    ['an unknown parameter', { Nonsense: '1' }],
    ['a secret register', { GPP_SA: 'x' }],
  ])('cannot make the user change %s [MPP §1.3]', (_, fields) => {
    const agent = phone({ Cfwd_All_Dest: ['', 'rw'], Voice_Mail_Number: ['8000', 'ro'] })
    const answer = post(agent, '/', { Cfwd_All_Dest: '7002', ...fields })
    expect([answer.response.status, answer.commands]).toEqual([400, []])
    expect(answer.agent.flash).toEqual(agent.flash)
  })

  it('restarts and resyncs after a change that needs it, "Submit All Changes" [MPP §5.3] [MPP §5.7]', () => {
    const answer = post(phone(), '/admin/advanced', { Proxy_1_: 'sip.example.org', Cfwd_All_Dest: '5' })
    expect(valueOf(answer, 'Proxy_1_')).toBe('sip.example.org')
    expect(answer.commands).toEqual([
      { kind: 'locally-changed', elements: ['Proxy_1_', 'Cfwd_All_Dest'], restarts: true },
      { kind: 'reboot', reason: 'User Triggered', resyncAfter: true },
    ])
  })

  it('resyncs at once when a profile rule was entered [MPP §5.3] [guide: Provisioning Overview]', () => {
    expect(post(phone(), '/admin/advanced', { Profile_Rule: 'https://prov.example.net/x' }).commands).toEqual([
      { kind: 'locally-changed', elements: ['Profile_Rule'] },
      { kind: 'resync', rule: undefined, by: 'web', callerAddress: undefined },
    ])
  })

  it('restarts after any change of the admin by policy [MPP §5.3]', () => {
    const agent = phone({ Cfwd_All_Dest: ['', 'rw'] })
    const always = { ...agent, policies: { ...agent.policies, submitAllChanges: 'restart-always' as const } }
    const kinds = (target: string) => post(always, target, { Cfwd_All_Dest: '5' }).commands.map(({ kind }) => kind)
    expect([kinds('/admin/advanced'), kinds('/')]).toEqual([['locally-changed', 'reboot'], ['locally-changed']])
    expect(post(always, '/admin/advanced', {}).commands).toEqual([])
  })

  it('changes live what needs no restart [MPP §5.7]', () => {
    expect(post(phone(), '/admin/advanced', { Cfwd_All_Dest: '5' }).commands).toEqual([
      { kind: 'locally-changed', elements: ['Cfwd_All_Dest'] },
    ])
  })

  it('lists errors by field and saves nothing [MPP §14]', () => {
    const answer = post(phone(), '/admin/advanced', { '.tab': 'Ext 1', Proxy_1_: 'ok.example', SIP_Port_1_: '99999' })
    expect([answer.response.status, answer.commands, valueOf(answer, 'Proxy_1_')]).toEqual([400, [], ''])
    expect(answer.response.body).toMatch(/<a href="#f-SIP_Port_1_">SIP_Port_1_<\/a>: Expected [^"]*\.</)
    expect(answer.response.body).toContain('value="ok.example"')
  })

  it('leaves a secret alone when its field is empty, changes it when filled, empties it on demand', () => {
    const agent = phone({ Password_1_: SECRET })
    expect(valueOf(post(agent, '/admin/advanced', { Password_1_: '' }), 'Password_1_') === SECRET).toBe(true)
    expect(
      valueOf(post(agent, '/admin/advanced', { Password_1_: 'nEw-9-value' }), 'Password_1_') === 'nEw-9-value',
    ).toBe(true)
    expect(valueOf(post(agent, '/admin/advanced', { Password_1_: '', '.clear': 'Password_1_' }), 'Password_1_')).toBe(
      '',
    )
  })

  it('keeps a masked rule as it is, and refuses a mask in a new one', () => {
    const agent = phone({ Profile_Rule: `[--key "${SECRET}"] http://h/p` })
    const kept = post(agent, '/admin/advanced', { Profile_Rule: `[--key ${MASK}] http://h/p` })
    expect(kept.commands).toEqual([])
    expect(valueOf(kept, 'Profile_Rule').includes(SECRET)).toBe(true)
    expect(post(agent, '/admin/advanced', { Profile_Rule: `[--key ${MASK}] http://h/other` }).response.status).toBe(400)
  })

  it.each([
    ['Short1!', false],
    ['longenough', false],
    ['Long enough 1', false],
    ['LongEnough1', true],
    ['x'.repeat(126) + 'A1', false],
  ])('takes the web password of case %# only if it is strong [MPP §7.1]', (password, strong) => {
    expect(isStrongPassword(password)).toBe(strong)
    const answer = post(phone(), '/admin/advanced', { Admin_Password: password })
    expect(answer.response.status).toBe(strong ? 200 : 400)
  })

  it('is refused without the token of its account, from another site, or in another type', () => {
    const { agent } = ask(phone(), '/')
    const body = new TextEncoder().encode(`.token=${agent.ram.web.formTokens?.user ?? ''}&Proxy_1_=x`)
    const type = ['content-type', 'application/x-www-form-urlencoded'] as const
    const status = (target: string, headers: readonly (readonly [string, string])[]) =>
      ask(agent, target, { method: 'POST', body, headers: new Map(headers) }).response.status
    expect(status('/admin/advanced', [type])).toBe(403)
    expect(post(phone(), '/', { '.token': 'x' }).response.status).toBe(403)
    expect(
      post(phone(), '/', {}, [
        ['origin', 'http://evil.example'],
        ['host', '192.0.2.5'],
      ]).response.status,
    ).toBe(403)
    expect(
      post(phone(), '/', {}, [
        ['origin', 'http://192.0.2.5'],
        ['host', '192.0.2.5'],
      ]).response.status,
    ).toBe(200)
    expect(status('/', [['content-type', 'text/plain']])).toBe(415)
  })
})

describe('the name in Host', () => {
  it.each([
    ['192.0.2.5', 200],
    ['192.0.2.5:8080', 200],
    ['[2001:db8::5]:80', 200],
    ['SEP000E08AABBCC', 200],
    ['localhost:8080', 200],
    ['phone.office.example', 200],
    ['phone.local', 200],
    ['evil.example', 421],
    ['192.0.2.5.evil.example', 421],
    ['office.example.evil.example', 421],
  ])('%s answers a form with %i: no stranger may rebind a name to the phone', (host, status) => {
    const agent = phone()
    const lease = { address: '192.0.2.5', domain: 'office.example', options: new Map() }
    const answer = post({ ...agent, ram: { ...agent.ram, lease } }, '/', {}, [['host', host]])
    expect(answer.response.status).toBe(status)
  })
})

describe('the page "Set Password"', () => {
  const STRONG = 'Chosen-by-Owner-1'
  const fresh = () => {
    const agent = phone()
    return { ...agent, policies: { ...agent.policies, setPasswordPage: true } }
  }
  const submit = (fields: Readonly<Record<string, string>>) => {
    const page = ask(fresh(), '/')
    const token = page.agent.ram.web.formTokens?.admin ?? ''
    const body = new TextEncoder().encode(new URLSearchParams({ '.token': token, ...fields }).toString())
    const headers = new Map([['content-type', 'application/x-www-form-urlencoded']])
    return ask(page.agent, '/', { method: 'POST', body, headers })
  }

  it('stands before everything on a blank phone, by policy only [MPP §7.1]', () => {
    for (const target of ['/', '/admin', '/admin/advanced?tab=System']) {
      expect(ask(fresh(), target).response.body).toContain('<h1>Set Password</h1>')
      expect(ask(phone(), target).response.body).not.toContain('Set Password')
    }
    for (const target of ['/cfg.xml', '/admin/resync?http://h/p', '/admin/reboot', '/status.xml']) {
      const answer = ask(fresh(), target)
      expect([answer.response.status, answer.commands]).toEqual([403, []])
    }
  })

  it('is over once a password is set, or the phone was provisioned without one [MPP §7.1]', () => {
    const answer = submit({ Admin_Password: STRONG, Admin_Password_again: STRONG })
    expect([answer.response.status, answer.commands.length]).toEqual([200, 1])
    expect(valueOf(answer, 'Admin_Password') === STRONG).toBe(true)
    expect(ask(answer.agent, '/admin').response.status).toBe(401)
    const agent = fresh()
    const bound = { ...agent, flash: { ...agent.flash, customization: 'Acquired' as const } }
    expect(ask(bound, '/admin').response.body).not.toContain('<h1>Set Password</h1>')
  })

  it.each([
    [{}],
    [{ Admin_Password: STRONG }],
    [{ Admin_Password: STRONG, Admin_Password_again: `${STRONG}2` }],
    [{ Admin_Password: 'weak', Admin_Password_again: 'weak' }],
    [{ Admin_Password: STRONG, Admin_Password_again: STRONG, User_Password: 'weak' }],
  ])('stays when the passwords will not do, case %# [MPP §7.1]', (fields) => {
    const answer = submit(fields)
    expect([answer.response.status, answer.commands, valueOf(answer, 'Admin_Password')]).toEqual([400, [], ''])
  })
})

describe('secrets', () => {
  it.each([
    ['[--key abc] http://h/p', `[--key ${MASK}] http://h/p`],
    ['[--uid me --pwd "a b"] http://h/p', `[--uid me --pwd ${MASK}] http://h/p`],
    ['[--key $SA] http://h/p', '[--key $SA] http://h/p'],
    ['http://u:pw@h/p', `http://u:${MASK}@h/p`],
    ['[--key"a b"] http://h/p', `[--key${MASK}] http://h/p`],
    ['[--pwd a&b] http://h/p', `[--pwd ${MASK}] http://h/p`],
    ['[--key “a b”] http://h/p', `[--key ${MASK}] http://h/p`],
    ['( Password_1_ = "x y"; a = "1"; )! http://h/p', `( Password_1_ = ${MASK}; a = "1"; )! http://h/p`],
    ['( GPP_SA = "x"; )! http://h/p', `( GPP_SA = ${MASK}; )! http://h/p`],
  ])('in %s are masked [MPP §4.4]', (rule, shown) => {
    expect(withoutSecrets(rule)).toBe(shown)
  })

  it('leave a rule that holds one out of cfg.xml, so that importing the export keeps it [MPP §1.8]', () => {
    const xml = ask(phone({ Profile_Rule: `[--key "${SECRET}"] http://h/p`, Proxy_1_: 'p' }), '/admin/cfg.xml').response
      .body
    const profile = readProfile(xml)
    expect(profile.ok && profile.value.elements.map(({ name }) => name)).toContain('Proxy_1_')
    expect(profile.ok && profile.value.elements.map(({ name }) => name)).not.toContain('Profile_Rule')
    expect(xml.includes(SECRET)).toBe(false)
  })

  it('appear in no answer to admin or user, on no tab, also after a refused form [MPP §1.8] [MPP §14]', () => {
    const secretElements = catalogue.allFor(phone().hardware.productName).filter(({ parameter }) => parameter.secret)
    const values = Object.fromEntries(
      secretElements.map(({ element }): [string, readonly [string, 'rw']] => [element, [SECRET, 'rw']]),
    )
    const { Admin_Password: _admin, User_Password: _user, ...open } = values
    const agent = phone({ ...open, Profile_Rule: [`[--key ${SECRET}] http://h/p`, 'rw'] })
    const tabs = [
      'Info',
      'System',
      'SIP',
      'Provisioning',
      'Regional',
      'Phone',
      'User',
      'Ext 1',
      'Ext 2',
      'Att Console',
      'TR-069',
    ]
    const targets = [
      '/cfg.xml',
      '/admin/cfg.xml',
      '/status.xml',
      '/admin/status.xml',
      ...tabs.flatMap((tab) => [`/?tab=${tab}`, `/admin/advanced?tab=${tab}`]),
    ]
    const leaking = targets.filter((target) => ask(agent, target).response.body.includes(SECRET))
    expect(secretElements.length).toBeGreaterThan(20)
    expect(leaking).toEqual([])
    fc.assert(
      fc.property(fc.constantFrom('/', '/admin/advanced'), fc.constantFrom(...tabs), (path, tab) => {
        const refused = post(agent, path, {
          '.tab': tab,
          Password_1_: `new-${SECRET}`,
          Profile_Rule: `[--pwd "${SECRET}"] x`,
          Nonsense: 'x',
        })
        return refused.response.status === 400 && !refused.response.body.includes(SECRET)
      }),
      { numRuns: 20 },
    )
  })
})

describe('the TR-069 part of the pages', () => {
  const page = (values: Record<string, string>, tab: string) =>
    ask(phone(values), `/admin/advanced?tab=${encodeURIComponent(tab)}`).response.body
  const on = { 'Enable_TR-069': 'Yes', ACS_URL: 'http://me:url-secret@acs.test/cwmp', ACS_Password: 'acs-secret' }

  it('tells the ACS in use and how sessions went, without any password [TR-069 §10.1]', () => {
    const html = page(on, 'Info')
    expect(html).toContain('TR-069 Status')
    expect(html).toContain('http://acs.test/cwmp')
    expect(html).not.toMatch(/url-secret|acs-secret/)
    expect(page({}, 'Info')).not.toContain('TR-069 Status')
  })

  it('has the settings on a tab of their own, with the live ones read-only and passwords hidden [TR-069 §10.1]', () => {
    const html = page(on, 'TR-069')
    for (const name of ['Enable_TR-069', 'Periodic_Inform_Interval', 'BACKUP_ACS_URL', 'TR-069_Traceability']) {
      expect(html).toContain(`name="${name}"`)
    }
    expect(html).toContain('<output id="f-ACS_URL_In_Use">http://acs.test/cwmp</output>')
    expect(html).not.toContain('acs-secret')
  })

  it('says of TR-069_VoiceObject_Init that it has no effect here, and of others what they do [TR-069 §10.1]', () => {
    const html = page(on, 'TR-069')
    expect(html).toMatch(/id="f-TR-069_VoiceObject_Init-hint">Has no effect on this phone/)
    expect(html).not.toContain('Resets voice objects')
    expect(html).toContain('id="f-ACS_URL-hint">ACS URL<')
  })

  it('refuse what the ACS keeps for itself [TR-069 §7]', () => {
    const rule = 'Device.X_CISCO_ProfileRule'
    const plain = phone(on)
    const attributes = { [rule]: { notification: 0, accessList: [] } }
    const agent = { ...plain, flash: { ...plain.flash, tr069: { ...plain.flash.tr069, attributes } } }
    const answer = post(agent, '/admin/advanced', { Profile_Rule: '/by-page', GPP_A: '1' })
    expect([answer.response.status, valueOf(answer, 'GPP_A')]).toEqual([400, ''])
    expect(answer.response.body).toContain('The ACS keeps this parameter for itself.')
  })
})
