import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProductName } from '../../../protocol/identity.ts'
import { exportProfile, MODELS, PROFILE_BYTES_MAX } from '../../../protocol/profile/mod.ts'
import { LINT_CODES, lintFile, lintProfile, parseFirmware } from './mod.ts'

const MODEL = 'CP-8851-3PCC' as ProductName

interface About {
  readonly model?: ProductName
  readonly firmware?: string
}

/** A profile of lines such as `Password_1_=…`; the value `""` and markup are written as they are. */
function profileOf(...lines: readonly string[]): string {
  const elements = lines.map((line) => {
    if (line.startsWith('<')) return line
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(line) ?? []
    return `<${name}>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</${name}>`
  })
  return `<flat-profile>\n${elements.join('\n')}\n</flat-profile>\n`
}

function codes(lines: readonly string[], about: About = {}): readonly string[] {
  return lintFile(profileOf(...lines), about).map(({ code, element }) => `${code} ${element}`)
}

type Row = readonly [what: string, lines: readonly string[], expected: readonly string[], about?: About]

function table(rows: readonly Row[]): void {
  it.each(rows.map(([what, lines, expected, about = {}]) => ({ what, lines, expected, about })))(
    '$what',
    ({ lines, expected, about }) => {
      expect(codes(lines, about)).toEqual(expected)
    },
  )
}

const LOAD = 'http://fw.example.com/sip88xx.'

describe('foreign-line-variable', () => {
  table([
    [
      'the user of line 2 in the password of line 1 [MPP §3.3]',
      ['Password_1_=x$UID2'],
      ['foreign-line-variable Password_1_'],
    ],
    ['the same in parentheses, a part of it', ['Password_1_=$(UID2:0:2)'], ['foreign-line-variable Password_1_']],
    ['the authentication id of line 1 in line 3', ['Auth_ID_3_=$AUTHID1'], ['foreign-line-variable Auth_ID_3_']],
    ['the own user', ['Password_1_=x$UID1'], []],
    ['line 12 is not line 1', ['Display_Name_1_=$DISPLAYNAME12'], ['foreign-line-variable Display_Name_1_']],
    ['a fact in braces of line 2', ['Password_1_={{line2.userId}}'], ['foreign-line-variable Password_1_']],
    [
      'an assignment puts macros in [MPP §4.1]',
      ['Profile_Rule=(User_ID_1_ = "$UID2";)! https://p/x'],
      ['foreign-line-variable Profile_Rule'],
    ],
    ['an assignment of the own line', ['Profile_Rule=(User_ID_2_ = "$UID2";)! https://p/x'], []],
    ['a dollar in a password is no variable', ['Password_1_=pa$$UID2word'], []],
    ['a shared line names another on purpose', ['Shared_User_ID_1_=$UID2'], []],
    ['a line key is no line', ['Extended_Function_2_=fnc=sd;ext=$UID1@$PROXY;nme=A'], []],
  ])

  it('knows patterns of layers: every line but that one would be wrong', () => {
    const parameters = new Map([['Password_n_', { value: '{{line2.userId}}' }]])
    expect(lintProfile({ parameters }).map(({ code }) => code)).toEqual(['foreign-line-variable'])
    expect(lintProfile({ parameters: new Map([['User_ID_n_', { value: '{{line.userId}}' }]]) })).toEqual([])
  })
})

describe('overridden-in-run', () => {
  table([
    [
      'one element twice: the last one counts [MPP §1.6]',
      ['Station_Name=a', 'Station_Name=b'],
      ['overridden-in-run Station_Name'],
    ],
    ['twice the same is only a duplicate', ['Station_Name=a', 'Station_Name=a'], ['duplicate Station_Name']],
    ['an access without value overrides nothing', ['<Station_Name ua="rw"/>', 'Station_Name=b'], []],
    ['neither does preserve-value', ['Station_Name=a', '<Station_Name preserve-value="y">b</Station_Name>'], []],
    [
      'rule B assigns what the file sets [MPP §4.1]',
      ['Station_Name=a', 'Profile_Rule_B=(Station_Name = "b";)! https://p/x'],
      ['overridden-in-run Station_Name'],
    ],
    [
      'a letter stands for its register',
      ['GPP_A=a', 'Profile_Rule=(a = "b";)! https://p/x'],
      ['overridden-in-run GPP_A'],
    ],
    ['the same value in both does no harm', ['GPP_A=a', 'Profile_Rule=(a = "a";)! https://p/x'], []],
    ['another register', ['GPP_B=a', 'Profile_Rule=(a = "b";)! https://p/x'], []],
    [
      'two rules assign the same',
      ['Profile_Rule=(a = "1";)! https://p/x', 'Profile_Rule_B=(a = "2";)! https://p/y'],
      ['overridden-in-run Profile_Rule_B'],
    ],
    ['one group twice', ['Profile_Rule=(a = "1"; a = "2";)! https://p/x'], ['overridden-in-run Profile_Rule']],
    [
      'alternatives exclude each other',
      ['Profile_Rule=("$MA" eq "x")? (a = "1";)! https://p/x | (a = "2";)! https://p/y'],
      [],
    ],
  ])

  it('shows values, but not those of secrets, rules and registers', () => {
    const messages = lintFile(
      profileOf(
        'Station_Name=first',
        'Station_Name=second',
        'Password_1_=hidden-1',
        'Password_1_=hidden-2',
        'GPP_A=hidden-3',
        'GPP_A=hidden-4',
      ),
    )
    expect(messages.map(({ code }) => code)).toEqual(Array(3).fill('overridden-in-run'))
    expect(JSON.stringify(messages)).toContain('first')
    expect(JSON.stringify(messages)).not.toContain('hidden')
  })
})

describe('unknown-element', () => {
  table([
    ['no such parameter [MPP §1.6]', ['Colour=red'], ['unknown-element Colour']],
    ['names are case-sensitive [MPP §1.1]', ['station_name=a'], ['unknown-element station_name']],
    ['a line that no model has', ['User_ID_99_=a'], ['unknown-element User_ID_99_']],
    [
      'a line that this model lacks [MPP §13.1]',
      ['User_ID_9_=a'],
      ['unknown-element User_ID_9_'],
      { model: 'CP-7811-3PCC' as ProductName },
    ],
    ['a line that this model has', ['User_ID_9_=a'], [], { model: MODEL }],
    ['any model, when none is named', ['User_ID_9_=a'], []],
    ['a pattern is no element of a file', ['User_ID_n_=a'], ['unknown-element User_ID_n_']],
    [
      'a firmware names its models',
      ['User_ID_9_=a'],
      ['unknown-element User_ID_9_'],
      { firmware: 'sip7832.12-0-2MPP0001-116' },
    ],
    [
      'a firmware before RFC 8188 [MPP §13.3]',
      ['IKM_HTTP_Encrypt_Content=abcdefghijkl'],
      ['unknown-element IKM_HTTP_Encrypt_Content'],
      { firmware: '11.2(3)SR1' },
    ],
    ['and the first one with it', ['IKM_HTTP_Encrypt_Content=abcdefghijkl'], [], { firmware: '11.3.1' }],
    [
      'TLS minima before 12 [MPP §11.2]',
      ['TLS_Client_Min_Version=TLS 1.2'],
      ['unknown-element TLS_Client_Min_Version'],
      { firmware: 'sip88xx.11-3-7MPP0001-10', model: MODEL },
    ],
    ['the target of an assignment', ['Profile_Rule=(Colour = "red";)! https://p/x'], ['unknown-element Profile_Rule']],
  ])

  it.each([
    ['station_name', 'Station_Name'],
    ['Resync_At_HHmm', 'Resync_At__HHmm_'],
    ['Proxi_2_', 'Proxy_2_'],
    ['Passwordd_3_', 'Password_3_'],
  ])('%s: did you mean %s?', (wrong, right) => {
    expect(lintFile(profileOf(`${wrong}=1`))[0]?.advice).toContain(`"${right}"`)
  })
})

describe('bad-value', () => {
  table([
    ['no Bool [MPP §14]', ['Provision_Enable=maybe'], ['bad-value Provision_Enable']],
    ['a Bool of any case', ['Resync_On_Reset=yes'], []],
    ['no number', ['Resync_Random_Delay=soon'], ['bad-value Resync_Random_Delay']],
    ['too large a number', ['Resync_Random_Delay=65536'], ['bad-value Resync_Random_Delay']],
    ['no choice', ['SIP_Transport_1_=CARRIER PIGEON'], ['bad-value SIP_Transport_1_']],
    ['no delay list [MPP §5.2]', ['Resync_Periodic=3600;60'], ['bad-value Resync_Periodic']],
    ['outside of the range of the guide', ['Register_Expires_1_=5'], ['bad-value Register_Expires_1_']],
    ['no time', ['Resync_At__HHmm_=2575'], ['bad-value Resync_At__HHmm_']],
    ['empties that leave the value [MPP §1.5]', ['<Provision_Enable/>', '<Resync_On_Reset></Resync_On_Reset>'], []],
    [
      'the value of an assignment',
      ['Profile_Rule=(Resync_On_Reset = "maybe";)! https://p/x'],
      ['bad-value Profile_Rule'],
    ],
    ['a macro in an assignment may be anything', ['Profile_Rule=(Resync_On_Reset = "$A";)! https://p/x'], []],
  ])
})

describe('bad-rule', () => {
  table([
    ['a group that is not closed', ['Profile_Rule=( $A lt'], ['bad-rule Profile_Rule']],
    [
      'versions of two forms [MPP §4.3]',
      ['Upgrade_Rule=($SWVER lt 12.0.2)? http://f/sip88xx.12-0-2MPP0001-1.loads'],
      ['bad-rule Upgrade_Rule'],
    ],
    [
      'options in an upgrade rule [MPP §4.1]',
      ['Upgrade_Rule=[--key $SA] http://f/sip88xx.12-0-2MPP0001-1.loads'],
      ['bad-rule Upgrade_Rule'],
    ],
    [
      'an upgrade that names no .loads file [MPP §6]',
      ['Upgrade_Rule=http://f/firmware.zip'],
      ['bad-rule Upgrade_Rule'],
    ],
    ['three reports', ['Report_Rule=http://a/1 http://a/2 http://a/3'], ['bad-rule Report_Rule']],
    ['a trigger with parentheses [MPP §4.1]', ['Resync_Trigger_1=($PRVTMR ge 600)?'], ['bad-rule Resync_Trigger_1']],
    [
      'an alternative behind one without condition',
      ['Profile_Rule=https://a/1 | https://a/2'],
      ['bad-rule Profile_Rule'],
    ],
    ['a name that is no macro', ['Profile_Rule=https://a/$vendor.xml'], ['unknown-macro Profile_Rule']],
    [
      'good ones',
      [
        'Profile_Rule=("$CCERT" eq "Installed")? https://p/$MA.xml | [--key $SA] http://p/$MA.cfg',
        'Resync_Trigger_1=$PRVTMR ge 600',
        'Report_Rule=[--delta] https://p/r [--status] https://p/s',
      ],
      [],
    ],
    ['a file of the DHCP server', ['Profile_Rule=/$PSN.xml'], []],
    ['a rule that is commented out [MPP §1.6]', ['Profile_Rule=# ( nothing'], []],
  ])
})

describe('secret-in-clear', () => {
  table([
    [
      'a secret register in a log text [MPP §3.1]',
      ['Log_Request_Msg=$PN uses $SA'],
      ['secret-in-clear Log_Request_Msg'],
    ],
    ['in a register that pages show', ['GPP_A=k=$GPP_SB'], ['secret-in-clear GPP_A']],
    ['a part of it', ['GPP_C=$(SA:0:8)'], ['secret-in-clear GPP_C']],
    ['in the User-Agent', ['HTTP_User_Agent_Name=$VERSION $SD'], ['secret-in-clear HTTP_User_Agent_Name']],
    ['in a URL', ['Profile_Rule=https://p/$SA.xml'], ['bad-rule Profile_Rule', 'secret-in-clear Profile_Rule']],
    ['as an argument, where it belongs', ['Profile_Rule=[--uid $MA --pwd $SB --key $SA] https://p/x'], []],
    [
      'a key that is written out',
      ['Profile_Rule=[--key "a long phrase"] http://p/x'],
      ['secret-in-clear Profile_Rule'],
    ],
    ['a key from a register that pages show', ['Profile_Rule=[--key $A] http://p/x'], ['secret-in-clear Profile_Rule']],
    [
      'a password that a rule assigns',
      ['Profile_Rule=(Password_1_ = "abc";)! https://p/x'],
      ['secret-in-clear Profile_Rule'],
    ],
    [
      'the value of a password elsewhere',
      ['Password_1_=correct-horse', 'GPP_A=correct-horse'],
      ['secret-in-clear GPP_A'],
    ],
    [
      'inside a text that is shown',
      ['Password_1_=correct-horse', 'Station_Name=desk correct-horse'],
      ['secret-in-clear Station_Name'],
    ],
    ['a short password may be a word', ['Password_1_=1001', 'User_ID_1_=1001'], []],
    ['what calls itself a password', ['GPP_B=password=abcdef'], ['secret-in-clear GPP_B']],
    [
      'a URL with a password',
      ['XML_Directory_Service_URL=http://ann:hush@dir.example.com/x'],
      ['secret-in-clear XML_Directory_Service_URL'],
    ],
    ['parameters made for secrets', ['GPP_SA=abcdefghij', 'Password_1_=klmnopqrst', 'Admin_Password=Uvwxyz-12345'], []],
  ])
})

describe('upgrade-never', () => {
  const never = ['upgrade-never Upgrade_Rule']
  table([
    [
      'a load that stays below the bound',
      [`Upgrade_Rule=($SWVER lt 12-0-2MPP0001-116)? ${LOAD}11-3-2MPP0001-609.loads`],
      never,
    ],
    ['a load that reaches it', [`Upgrade_Rule=($SWVER lt 12-0-2MPP0001-116)? ${LOAD}12-0-2MPP0001-116.loads`], []],
    ['a load beyond it', [`Upgrade_Rule=($SWVER lt 12-0-2MPP0001-116)? ${LOAD}12-0-7MPP0201-66.loads`], []],
    ['the bound on the left', [`Upgrade_Rule=(12-0-2MPP0001-116 gt $SWVER)? ${LOAD}11-3-2MPP0001-609.loads`], never],
    [
      'another version than the load',
      [`Upgrade_Rule=($SWVER ne 12-0-2MPP0001-116)? ${LOAD}12-0-2MPP0001-117.loads`],
      never,
    ],
    ['the version of the load', [`Upgrade_Rule=($SWVER ne 12-0-2MPP0001-116)? ${LOAD}12-0-2MPP0001-116.loads`], []],
    [
      'the whole name of another load',
      [`Upgrade_Rule=("$SWVER" ne "sip88xx.12-0-2MPP0001-11")? ${LOAD}12-0-2MPP0001-116.loads`],
      never,
    ],
    [
      'the whole name of the load',
      [`Upgrade_Rule=("$SWVER" ne "sip88xx.12-0-2MPP0001-116")? ${LOAD}12-0-2MPP0001-116.loads`],
      [],
    ],
    [
      'a contradiction',
      [`Upgrade_Rule=($SWVER lt 11-0-0MPP-1 and $SWVER gt 12-0-0MPP-1)? ${LOAD}12-0-2MPP0001-116.loads`],
      never,
    ],
    [
      'no room between two bounds',
      [`Upgrade_Rule=($SWVER gt 12-0-0MPP0001-1 and $SWVER lt 12-0-0MPP0001-1)? ${LOAD}12-0-2MPP0001-116.loads`],
      never,
    ],
    ['two models at once', [`Upgrade_Rule=("$PN" eq "a" and "a" eq "b")? ${LOAD}12-0-2MPP0001-116.loads`], never],
    [
      'hidden behind one without condition',
      [`Upgrade_Rule=${LOAD}12-0-2MPP0001-116.loads | ($SWVER lt 11-0-0MPP-1)? ${LOAD}11-0-0MPP-1.loads`],
      ['bad-rule Upgrade_Rule', ...never],
    ],
    [
      'hidden behind a wider one',
      [
        `Upgrade_Rule=($SWVER lt 12-0-0MPP0001-1)? ${LOAD}12-0-0MPP0001-1.loads | ($SWVER lt 11-0-0MPP-1)? ${LOAD}11-0-0MPP-1.loads`,
      ],
      never,
    ],
    [
      'a stage that is never left',
      [`Upgrade_Rule=($SWVER le 11-0-0MPP-1)? ${LOAD}11-0-0MPP-1.loads | ${LOAD}12-0-2MPP0001-116.loads`],
      never,
    ],
    [
      'round and round',
      [`Upgrade_Rule=($SWVER lt 12-0-0MPP0001-1)? ${LOAD}12-0-0MPP0001-1.loads | ${LOAD}11-0-0MPP-1.loads`],
      never,
    ],
    [
      'multistage as in the guide [MPP §6]',
      [
        `Upgrade_Rule=($SWVER lt 11-0-0MPP-1)? ${LOAD}11-0-0MPP-1.loads | ($SWVER lt 11-1-1MPP-1)? ${LOAD}11-1-1MPP-1.loads | ${LOAD}12-0-2MPP0001-116.loads`,
      ],
      [],
    ],
    [
      'a stage and the rest',
      [
        `Upgrade_Rule=($SWVER lt 11-0-0MPP-1)? ${LOAD}11-0-0MPP-1.loads | ($SWVER ge 11-0-0MPP-1)? ${LOAD}12-0-2MPP0001-116.loads`,
      ],
      [],
    ],
    [
      'each model its load',
      [
        'Upgrade_Rule=("$PN" eq "CP-8851-3PCC")? http://f/sip88xx.12-0-2MPP0001-116.loads | ("$PN" eq "CP-7841-3PCC")? http://f/sip78xx.12-0-2MPP0001-116.loads',
      ],
      [],
      { model: MODEL },
    ],
    [
      'no alternative for this model',
      ['Upgrade_Rule=("$PN" eq "CP-7841-3PCC")? http://f/sip78xx.12-0-2MPP0001-116.loads'],
      never,
      { model: MODEL },
    ],
    ['a load of another family', ['Upgrade_Rule=http://f/sip78xx.12-0-2MPP0001-116.loads'], never, { model: MODEL }],
    [
      'older than the limit [MPP §6]',
      ['Downgrade_Rev_Limit=11.3.6', `Upgrade_Rule=${LOAD}11-3-2MPP0001-609.loads`],
      never,
    ],
    ['newer than the limit', ['Downgrade_Rev_Limit=11.3.1', `Upgrade_Rule=${LOAD}11-3-2MPP0001-609.loads`], []],
    ['one load for all', [`Upgrade_Rule=${LOAD}12-0-2MPP0001-116.loads`], [], { model: MODEL }],
    ['a name that a macro completes', ['Upgrade_Rule=($SWVER lt 12-0-2MPP0001-116)? http://f/$A.loads'], []],
    ['first attempts only', [`Upgrade_Rule=($UPGST eq 1)? ${LOAD}12-0-2MPP0001-116.loads`], []],
  ])
})

describe('other checks', () => {
  table([
    ['a password without TLS', ['Profile_Rule=[--uid $MA --pwd $SB] http://p/x'], ['password-over-http Profile_Rule']],
    ['a phone that never comes back [MPP §5.1]', ['Provision_Enable=No'], ['resync-never Provision_Enable']],
    ['by no way at all', ['Resync_Periodic=0', 'Resync_On_Reset=No'], ['resync-never Resync_Periodic']],
    ['at a time of day', ['Resync_Periodic=0', 'Resync_On_Reset=No', 'Resync_At__HHmm_=0300'], []],
    ['an access that is none', ['<Station_Name ua="all">x</Station_Name>'], ['bad-attribute Station_Name']],
    [
      'user-pref before 12 [MPP §1.3]',
      ['<Station_Name user-pref="y">x</Station_Name>'],
      ['bad-attribute Station_Name'],
      { firmware: '11.3.1' },
    ],
    ['nested', ['<Station_Name>x<b>y</b></Station_Name>'], ['nested-element Station_Name']],
  ])

  it.each([
    ['<flat-profile><A></flat-profile>', 'bad-xml', 1],
    ['<flat-profile>\n<A>1</A>\n<B>2</C>\n</flat-profile>', 'bad-xml', 3],
    ['<profile/>', 'bad-xml', undefined],
    ['', 'bad-xml', 1],
    ['<!DOCTYPE x [<!ENTITY a "b">]><flat-profile/>', 'bad-xml', 1],
  ])('a phone refuses the whole file: %j [MPP §1.6]', (text, code, line) => {
    expect(lintFile(text)).toMatchObject([line === undefined ? { code } : { code, line }])
  })

  it('says that a file is larger than a phone takes, by its bytes', () => {
    expect(lintFile('é'.repeat(PROFILE_BYTES_MAX / 2 + 1)).map(({ code }) => code)).toEqual(['too-big'])
    expect(lintFile(new Uint8Array(PROFILE_BYTES_MAX + 1)).map(({ code }) => code)).toEqual(['too-big'])
  })

  it('names the line of each element, comments and attributes of several lines between them', () => {
    const text =
      '<?xml version="1.0"?>\n<device><flat-profile>\n<!-- <Colour>\n -->\n<Station_Name\n ua="rw">a</Station_Name><Colour a=">"/>\n\n<Shade/></flat-profile><Other/></device>'
    expect(lintFile(text).map(({ element, line }) => [element, line])).toEqual([
      ['Colour', 6],
      ['Shade', 8],
    ])
  })

  it('has advice and a known code in every problem', () => {
    const problems = lintFile(profileOf('Colour=1', 'Provision_Enable=maybe', 'Profile_Rule=( ', 'Password_1_=$UID2'))
    expect(problems.length).toBe(4)
    for (const { code, message, advice } of problems) {
      expect(Object.keys(LINT_CODES)).toContain(code)
      expect(message.length > 10 && advice.length > 10).toBe(true)
    }
  })
})

describe('no false alarm', () => {
  it.each(MODELS.map((model) => [model.productName, model] as const))('on an export of a new %s', (name, model) => {
    const text = exportProfile(new Map(), name)
    expect(lintFile(text, { model: name })).toEqual([])
    expect(lintFile(text, { model: name, firmware: `${model.firmwareFamily}.12-0-2MPP0001-116` })).toEqual([])
  })
})

describe('hostile input', () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.string({
      unit: fc.constantFrom(
        '$',
        '(',
        ')',
        '[',
        ']',
        '"',
        '|',
        '!',
        '?',
        ' ',
        'S',
        'A',
        '<',
        '-',
        'lt',
        '12-0-0MPP-1',
        '$SWVER',
        'http://a/b.loads',
        '=',
        ';',
      ),
    }),
  )
  const anyName = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'Profile_Rule',
      'Upgrade_Rule',
      'GPP_A',
      'Password_1_',
      'Report_Rule',
      'Resync_Trigger_1',
      'constructor',
      'valueOf',
    ),
  )

  it('never throws, whatever elements, model and firmware are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: anyName, value: anyText })),
        fc.option(fc.string()),
        (elements, firmware) => {
          const about = firmware === null ? {} : { firmware }
          expect(Array.isArray(lintProfile({ elements, model: MODEL, ...about }))).toBe(true)
        },
      ),
    )
  })

  it('never throws on bytes, nor on a file that is cut', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => lintFile(bytes).length > 0))
    const whole = exportProfile(new Map(), MODEL)
    fc.assert(
      fc.property(fc.nat(whole.length - 20), (end) => lintFile(whole.slice(0, end))[0]?.code === 'bad-xml'),
      { numRuns: 20 },
    )
  })

  it('shows no value of a secret element in any message', () => {
    fc.assert(
      fc.property(fc.constantFrom('Password_1_', 'Admin_Password', 'GPP_SA', 'GPP_SC'), anyText, (name, noise) => {
        const value = `qZx7-${noise.replaceAll('$', '')}-kVw9`
        const problems = lintProfile({
          elements: [
            { name, value },
            { name, value: `${value}2` },
            { name: 'GPP_A', value },
          ],
        })
        expect(JSON.stringify(problems)).not.toContain('qZx7')
        expect(problems.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('the name of a firmware', () => {
  it.each([
    ['sip88xx.12-0-2MPP0001-116', 12, 0, 'sip88xx'],
    ['12-0-2MPP0001-116', 12, 0, undefined],
    ['12.0.2', 12, 0, undefined],
    ['11.3(1)SR1', 11, 3, undefined],
    ['sip8845_65.11-3-1MPP-110', 11, 3, 'sip8845_65'],
  ])('%s', (text, major, minor, family) => {
    expect(parseFirmware(text)).toEqual({ text, major, minor, family })
  })

  it.each(['', 'latest', 'sip88xx', '12', '../../etc'])('%j is none', (text) => {
    expect(parseFirmware(text)).toBeUndefined()
  })
})
