import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { basicAuthorization } from '../../../protocol/http/mod.ts'
import type { Command } from '../types.ts'
import { ask, challengeFrom, NOW, phone, seeded, sign } from './testdata/phone.ts'
import { answerWeb } from './mod.ts'

const ADMIN = 'Adm1n-secret-q'
const USER = 'Us3r-secret-q'
const BY_WEB = { kind: 'resync', by: 'web', callerAddress: '192.0.2.77' } as const

describe('command URLs', () => {
  it.each<[string, readonly Command[]]>([
    [
      '/admin/resync?https://prov.supervoip.com/cisco-init/1234abcd',
      [{ ...BY_WEB, rule: 'https://prov.supervoip.com/cisco-init/1234abcd' }],
    ],
    ['/admin/resync?http://h/p?a=1&b=2', [{ ...BY_WEB, rule: 'http://h/p?a=1&b=2' }]],
    ['/admin/resync?/$PSN.xml', [{ ...BY_WEB, rule: '/$PSN.xml' }]],
    ['/admin/resync?', [{ ...BY_WEB, rule: undefined }]],
    ['/admin/resync', [{ ...BY_WEB, rule: undefined }]],
    [
      '/admin/upgrade?http://h/sip88xx.12-0-2.loads',
      [{ kind: 'upgrade', url: 'http://h/sip88xx.12-0-2.loads', callerAddress: '192.0.2.77' }],
    ],
    ['/admin/upgrade?/x.loads', [{ kind: 'upgrade', url: '/x.loads', callerAddress: '192.0.2.77' }]],
    ['/admin/upgrade?http:///x.loads', [{ kind: 'upgrade', url: 'http:///x.loads', callerAddress: '192.0.2.77' }]],
    ['/admin/reboot', [{ kind: 'reboot', reason: 'User Triggered', resyncAfter: false }]],
    ['/admin/reboot?', [{ kind: 'reboot', reason: 'User Triggered', resyncAfter: false }]],
    ['/admin/factory-reset', [{ kind: 'factory-reset' }]],
  ])('takes the command %s [MPP §7.3] [guide: Retail Distribution]', (target, commands) => {
    const answer = ask(phone(), target)
    expect([answer.response.status, answer.commands]).toEqual([200, commands])
  })

  it.each([
    ['Enable_Direct_Action_Url', '/admin/reboot', 403],
    ['Enable_Direct_Action_Url', '/admin/resync?http://h/p', 403],
    ['Provision_Enable', '/admin/resync?http://h/p', 403],
    ['Upgrade_Enable', '/admin/upgrade?http://h/x.loads', 403],
    ['Provision_Enable', '/admin/reboot', 200],
    ['Enable_Web_Admin_Access', '/admin/reboot', 404],
    ['Enable_Web_Admin_Access', '/admin', 404],
    ['Enable_Web_Admin_Access', '/', 200],
    ['Enable_Web_Server', '/', 403],
    ['Enable_Web_Server', '/admin/resync', 403],
  ])('%s = No answers %s with %i [MPP §7.2] [MPP §7.3]', (element, target, status) => {
    const answer = ask(phone({ [element]: 'No' }), target)
    expect(answer.response.status).toBe(status)
    expect(answer.commands.length).toBe(status === 200 && target !== '/' ? 1 : 0)
  })

  it.each([
    '/admin/resync?ftp://h/p',
    '/admin/resync?[--key]http://h/p',
    `/admin/resync?http://h/${'a'.repeat(5000)}`,
    '/admin/upgrade?http://h/firmware.bin',
    '/admin/upgrade?ftp://h/x.loads',
    '/admin/upgrade?ftp:///x.loads',
    '/admin/upgrade?/x.bin',
  ])('refuses the command %s with a sentence [MPP §7.3]', (target) => {
    const answer = ask(phone(), target)
    expect([answer.response.status, answer.commands]).toEqual([400, []])
    expect(answer.response.body).toMatch(/<p>[A-Z].*\.<\/p>/)
  })

  it.each([
    ['/admin/ping?prov.example.net', {}, 501],
    ['/admin/ping?192.0.2.1', {}, 501],
    ['/admin/ping?', {}, 400],
    ['/admin/ping?a;reboot', {}, 400],
    ['/admin/ping?h', { Enable_Direct_Action_Url: 'No' }, 403],
  ])('judges %s by its host, and sends nothing [MPP §7.3]', (target, values, status) => {
    expect(ask(phone(values), target).response.status).toBe(status)
  })

  it('refuses a factory reset while a line is busy [MPP §7.3]', () => {
    const agent = phone()
    const answer = ask({ ...agent, ram: { ...agent.ram, busyLines: [1] } }, '/admin/factory-reset')
    expect([answer.response.status, answer.commands]).toEqual([409, []])
  })

  it.each(['HEAD', 'POST', 'DELETE'])('does nothing for %s [RFC 9110 §9.2.1]', (method) => {
    const answer = ask(phone(), '/admin/reboot', { method })
    expect([answer.response.status, answer.commands]).toEqual([405, []])
  })

  it('takes a profile by POST with the account in the path [MPP §7.3]', () => {
    const body = new TextEncoder().encode('<flat-profile><User_ID_1_>1</User_ID_1_></flat-profile>')
    const agent = phone({ Admin_Password: ADMIN })
    const path = '/admin/config.xml&xuser=admin&xpassword='
    expect(ask(agent, path + ADMIN, { method: 'POST', body }).commands).toEqual([{ kind: 'apply-profile', body }])
    expect(ask(agent, `${path}wrong`, { method: 'POST', body }).response.status).toBe(401)
    expect(ask(agent, path + ADMIN, { method: 'POST', body: body.subarray(5) }).response.status).toBe(400)
  })
})

describe('accounts', () => {
  it('open without prompt while no password is set [MPP §7.1]', () => {
    expect(ask(phone(), '/admin/advanced').response.status).toBe(200)
    expect(ask(phone({ Admin_Password: ADMIN }), '/').response.status).toBe(200)
  })

  it('have their own passwords: digest opens the page [MPP §7.1] [RFC 7616 §3.4]', () => {
    const first = ask(phone({ Admin_Password: ADMIN, User_Password: USER }), '/admin/status.xml')
    expect(first.response.status).toBe(401)
    const target = '/admin/status.xml'
    const open = (user: string, password: string) =>
      ask(first.agent, target, {
        headers: new Map([['authorization', sign(challengeFrom(first), { user, password, target })]]),
      }).response.status
    expect([open('admin', ADMIN), open('admin', USER), open('user', USER), open('admin', '')]).toEqual([
      200, 401, 401, 401,
    ])
  })

  it('let the admin into the pages of the user, not the reverse [MPP §7.1]', () => {
    const agent = phone({ Admin_Password: ADMIN, User_Password: USER })
    const open = (user: string, password: string, target: string) =>
      ask(agent, `${target}&xuser=${user}&xpassword=${password}`).response.status
    expect([
      open('admin', ADMIN, '/'),
      open('user', USER, '/'),
      open('user', USER, '/admin'),
      open('user', ADMIN, '/'),
    ]).toEqual([200, 200, 401, 401])
  })

  it('cannot be entered by a replay, nor with another page or method [RFC 7616 §3.4.6] [RFC 7616 §5.4]', () => {
    const first = ask(phone({ Admin_Password: ADMIN }), '/admin/reboot')
    const authorization = sign(challengeFrom(first), { user: 'admin', password: ADMIN, target: '/admin/reboot' })
    const more = { headers: new Map([['authorization', authorization]]) }
    const once = ask(first.agent, '/admin/reboot', more)
    const twice = ask(once.agent, '/admin/reboot', more)
    const other = ask(first.agent, '/admin/factory-reset', more)
    expect([once.commands.length, twice.commands.length, other.commands.length]).toEqual([1, 0, 0])
    expect(challengeFrom(twice)).toContain('stale=true')
  })

  it.each([
    ['Session_Max_Timeout', { Session_Max_Timeout: '100', Session_Idle_Timeout: '3600' }],
    ['Session_Idle_Timeout', { Session_Max_Timeout: '3600', Session_Idle_Timeout: '100' }],
  ])('ask again after %s [MPP §7.2]', (_, timeouts) => {
    const first = ask(phone({ Admin_Password: ADMIN, ...timeouts }), '/admin')
    const at = (agent: typeof first.agent, count: number, now: number) => {
      const authorization = sign(challengeFrom(first), { user: 'admin', password: ADMIN, target: '/admin', count })
      return ask(agent, '/admin', { headers: new Map([['authorization', authorization]]) }, now)
    }
    const entered = at(first.agent, 1, NOW)
    const within = at(entered.agent, 2, NOW + 99_000)
    expect([entered.response.status, within.response.status]).toEqual([200, 200])
    const over = at(within.agent, 3, NOW + 200_000)
    expect(over.response.status).toBe(401)
    expect(challengeFrom(over)).not.toContain('stale')
  })

  it('take Basic over TLS only [MPP §7.1]', () => {
    const headers = new Map([['authorization', basicAuthorization('admin', ADMIN)]])
    const status = (tls: boolean) => ask(phone({ Admin_Password: ADMIN }), '/admin', { headers, tls }).response.status
    expect([status(true), status(false)]).toEqual([200, 401])
  })

  it('keep bounded state under a flood of visitors', () => {
    let { agent } = ask(phone({ Admin_Password: ADMIN }), '/admin')
    for (let count = 1; count < 300; count += 1) agent = ask(agent, '/admin', {}, NOW + count).agent
    expect(agent.ram.web.pending.length).toBe(64)
  })
})

describe('wrong passwords', () => {
  const agent = phone({ Admin_Password: ADMIN })
  const from = (before: typeof agent, password: string, peerAddress: string, now: number) =>
    ask(before, `/admin/reboot?&xuser=admin&xpassword=${password}`, { peerAddress }, now)
  const guess = (times: number, now = NOW) => {
    let guessed = agent
    for (let count = 0; count < times; count += 1) guessed = from(guessed, 'wrong', '192.0.2.66', now).agent
    return guessed
  }

  it('cost nothing at first, then the address must wait, longer each time, also with the right one [MPP §7.1]', () => {
    expect(from(guess(4), ADMIN, '192.0.2.66', NOW).response.status).toBe(200)
    const locked = from(guess(5), ADMIN, '192.0.2.66', NOW + 999)
    expect([locked.response.status, locked.commands]).toEqual([429, []])
    expect(new Map(locked.response.headers).get('Retry-After')).toBe('1')
    const again = from(from(guess(5), 'wrong', '192.0.2.66', NOW + 1000).agent, ADMIN, '192.0.2.66', NOW + 2999)
    expect(again.response.status).toBe(429)
    expect(from(again.agent, ADMIN, '192.0.2.66', NOW + 3000).response.status).toBe(200)
  })

  it('lock nobody else out, and nobody who has sent no password', () => {
    expect(from(guess(50), ADMIN, '192.0.2.1', NOW).response.status).toBe(200)
    expect(ask(guess(50), '/admin', { peerAddress: '192.0.2.66' }).response.status).toBe(401)
  })

  it('are forgotten after the right one', () => {
    const known = from(guess(4), ADMIN, '192.0.2.66', NOW).agent
    expect(known.ram.web.guessers).toEqual([])
  })

  it('are not those of a sign-in with the other account, which a browser repeats by itself [RFC 7616 §3.6]', () => {
    let both = phone({ Admin_Password: ADMIN, User_Password: USER })
    for (let count = 0; count < 5; count += 1) {
      const asked = ask(both, '/')
      const authorization = sign(challengeFrom(asked), { user: 'user', password: USER, target: '/admin' })
      both = ask(asked.agent, '/admin', { headers: new Map([['authorization', authorization]]) }).agent
    }
    expect(both.ram.web.guessers).toEqual([])
  })

  it('by digest count too', () => {
    let { agent: asked } = ask(agent, '/admin')
    for (let count = 0; count < 5; count += 1) {
      const authorization = sign(challengeFrom(ask(asked, '/admin')), {
        user: 'admin',
        password: 'x',
        target: '/admin',
      })
      asked = ask(asked, '/admin', { headers: new Map([['authorization', authorization]]) }).agent
    }
    expect(from(asked, ADMIN, '192.0.2.77', NOW).response.status).toBe(429)
  })
})

describe('POST /CGI/Execute', () => {
  const OPEN = { CISCO_XML_EXE_Enable: 'Yes', CISCO_XML_EXE_Auth_Mode: 'Trusted' }
  const send = (text: string, values: Readonly<Record<string, string>> = OPEN) =>
    ask(phone(values), '/CGI/Execute', { method: 'POST', body: new TextEncoder().encode(text) })
  const object = (url: string) => `<CP-8851-3PCCExecute><ExecuteItem URL=${url}/></CP-8851-3PCCExecute>`

  it.each<[string, number, readonly Command[]]>([
    [object('"Resync:http://h/p"'), 200, [{ ...BY_WEB, rule: 'http://h/p' }]],
    [object('Resync:http://h/p'), 200, [{ ...BY_WEB, rule: 'http://h/p' }]],
    [object('"Resync:"'), 200, [{ ...BY_WEB, rule: undefined }]],
    [object('"Resync:[--key $SA] https://h/$MA.cfg"'), 200, [{ ...BY_WEB, rule: '[--key $SA] https://h/$MA.cfg' }]],
    [object('"Resync:ftp://h/p"'), 400, []],
    [object('"Key:Services"'), 501, []],
    ['<CP-8851-3PCCExecute/>', 400, []],
    ['<flat-profile/>', 400, []],
    ['<a', 400, []],
  ])('answers the object %s with %i [MPP §7.3]', (text, status, commands) => {
    const answer = send(text)
    expect([answer.response.status, answer.commands]).toEqual([status, commands])
  })

  it.each([
    [{ ...OPEN, CISCO_XML_EXE_Enable: 'No' }, 403],
    [{ ...OPEN, Provision_Enable: 'No' }, 403],
    [{ ...OPEN, CISCO_XML_EXE_Auth_Mode: 'Remote Credential' }, 501],
    [{ ...OPEN, CISCO_XML_EXE_Auth_Mode: 'Local Credential', Admin_Password: ADMIN }, 401],
    [{ ...OPEN, Admin_Password: ADMIN }, 200],
  ])('is gated by CISCO_XML_EXE_Enable and _Auth_Mode, case %# [MPP §7.3]', (values, status) => {
    expect(send(object('"Resync:"'), values).response.status).toBe(status)
  })
})

describe('every answer', () => {
  it.each(['/', '/admin', '/admin/reboot', '/cfg.xml', '/nothing', '/phone.css'])(
    'of %s is not stored and not framed [RFC 9111 §5.2]',
    (target) => {
      const names = new Map(ask(phone(), target).response.headers)
      expect(names.get('Cache-Control')).toBe('no-store')
      expect(names.get('X-Frame-Options')).toBe('DENY')
      expect(names.get('X-Content-Type-Options')).toBe('nosniff')
      // With no-referrer a browser hides the Origin of our own forms, and they would be refused as a stranger's.
      expect(names.get('Referrer-Policy')).toBe('same-origin')
      expect(names.get('Content-Security-Policy')).toContain("default-src 'none'")
    },
  )

  it('comes without throwing, whatever was sent', () => {
    const agent = phone({ User_Password: USER, CISCO_XML_EXE_Enable: 'Yes' })
    const target = fc.oneof(
      fc.string({ maxLength: 60 }).map((rest) => `/${rest}`),
      fc
        .constantFrom(
          '/',
          '/admin/advanced',
          '/admin/config.xml',
          '/admin/resync?',
          '/admin/ping?',
          '/CGI/Execute',
          '/?tab=',
        )
        .chain((path) => fc.string().map((rest) => path + rest)),
    )
    const header = fc.tuple(fc.constantFrom('authorization', 'content-type', 'origin', 'host'), fc.string())
    const method = fc.constantFrom('GET', 'POST', 'HEAD', 'PUT')
    fc.assert(
      fc.property(target, method, fc.array(header), fc.uint8Array({ maxLength: 200 }), (where, how, headers, body) => {
        const sent = {
          method: how,
          target: where,
          headers: new Map(headers),
          body,
          peerAddress: '192.0.2.77',
          tls: false,
        }
        const { status } = answerWeb(agent, sent, NOW, seeded(1)).response
        return status >= 200 && status < 600
      }),
    )
  })
})
