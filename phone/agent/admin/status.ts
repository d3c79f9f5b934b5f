/** What the Info page and status.xml tell. One table for both, so that they never disagree. Source: MPP §7.4. */
import { escapeXml } from '../../../protocol/xml/mod.ts'
import { macWithColons } from '../../../protocol/identity.ts'
import type { Millis } from '../../../protocol/result.ts'
import { customCaStatus } from '../custom-ca.ts'
import { tr069Rows } from '../cwmp/mod.ts'
import { localStamp } from '../local-time.ts'
import { networkRows, scepRows } from '../network-status.ts'
import { nextResyncAt } from '../schedule.ts'
import { lineStates } from '../sip/mod.ts'
import type { LineStatus } from '../sip/mod.ts'
import type { Agent, HistoryEntry } from '../types.ts'

export interface StatusSection {
  readonly title: string
  readonly rows: readonly StatusRow[]
}

export interface StatusRow {
  readonly label: string
  readonly value: string
}

/** How many entries of each history a page shows. */
const HISTORY_SHOWN = 3
const REBOOTS_SHOWN = 5

/** All that the phone says about itself, without any parameter that `ua` could hide. */
export function statusSections(agent: Agent, now: Millis): readonly StatusSection[] {
  return [
    productInformation(agent),
    { title: 'Phone Status', rows: phoneStatus(agent, now) },
    { title: 'Network Status', rows: networkRows(agent) },
    downloadStatus(agent),
    {
      title: 'Custom CA',
      rows: [
        { label: 'Custom CA Provisioning Status', value: customCaStatus(agent) },
        { label: 'Custom CA Info', value: agent.flash.customCa.info || 'Not Installed' },
      ],
    },
    { title: 'Reboot History', rows: rebootRows(agent) },
    ...scepSection(agent),
    ...tr069Section(agent),
    ...lineStates(agent, now)
      .filter(({ userId, state }) => userId !== '' || state !== 'off')
      .map((line) => lineSection(agent, line)),
  ]
}

/** Only for phones that speak it. */
function tr069Section(agent: Agent): readonly StatusSection[] {
  const rows = tr069Rows(agent)
  return rows.length === 0 ? [] : [{ title: 'TR-069 Status', rows }]
}

/** Only for factory-reset phones whose DHCP server names a SCEP server (MPP §10.4). */
function scepSection(agent: Agent): readonly StatusSection[] {
  const rows = scepRows(agent)
  return rows.length === 0 ? [] : [{ title: 'SCEP Status', rows }]
}

/** status.xml: the sections as elements, the reboot history in the form of MPP §7.4. */
export function statusXml(agent: Agent, now: Millis): string {
  const sections = statusSections(agent, now).map(({ title, rows }) => {
    const name = elementName(title)
    return [
      `  <${name}>`,
      ...rows.map(({ label, value }) => `    ${element(elementName(label), value)}`),
      `  </${name}>`,
    ]
  })
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<status>', ...sections.flat(), '</status>', ''].join('\n')
}

function productInformation({ hardware, flash }: Agent): StatusSection {
  return {
    title: 'Product Information',
    rows: [
      { label: 'Product Name', value: hardware.productName },
      { label: 'Serial Number', value: hardware.serial },
      { label: 'Software Version', value: flash.activeLoad },
      { label: 'Inactive Load', value: flash.inactiveLoad ?? '' },
      { label: 'Hardware Version', value: hardware.hardwareVersion },
      { label: 'MAC Address', value: macWithColons(hardware.mac) },
      { label: 'Client Certificate', value: hardware.clientCertificate ? 'Installed' : 'Not Installed' },
      { label: 'Customization', value: flash.customization },
    ],
  }
}

function phoneStatus(agent: Agent, now: Millis): readonly StatusRow[] {
  const { ram } = agent
  const seconds = Math.max(0, Math.floor((now - ram.bootedAt) / 1000))
  const next = nextResyncAt(agent)
  return [
    { label: 'Current Time', value: localStamp(agent, now) },
    { label: 'Elapsed Time', value: `${seconds} s` },
    { label: 'Current IP', value: ram.lease?.address ?? '' },
    { label: 'State', value: ram.mode },
    { label: 'Next Resync', value: next === undefined ? '' : localStamp(agent, next) },
  ]
}

function downloadStatus(agent: Agent): StatusSection {
  const { flash } = agent
  return {
    title: 'Download Status',
    rows: [
      ...historyRows(agent, 'Firmware Upgrade Status', flash.upgradeHistory),
      ...historyRows(agent, 'Provisioning Status', flash.provisioningHistory),
    ],
  }
}

/** Always three rows, newest first, as on the phone. */
function historyRows(agent: Agent, label: string, entries: readonly HistoryEntry[]): readonly StatusRow[] {
  return Array.from({ length: HISTORY_SHOWN }, (_, index) => {
    const entry = entries[index]
    const value = entry === undefined ? '' : `[${localStamp(agent, entry.at)}] ${entry.text}`
    return { label: `${label} ${index + 1}`, value }
  })
}

function rebootRows(agent: Agent): readonly StatusRow[] {
  return agent.flash.rebootHistory.slice(0, REBOOTS_SHOWN).map(({ at, reason }, index) => ({
    label: `Reboot Reason ${index + 1}`,
    value: `[${localStamp(agent, at).replace(/\/\d\d(\d\d) /, '/$1 ')}]${reason}`,
  }))
}

const LINE_WORDS: Readonly<Record<LineStatus['state'], string>> = {
  registered: 'Registered',
  failed: 'Failed',
  registering: 'Registering',
  off: 'Not Registered',
}

function lineSection(agent: Agent, { line, userId, state, since }: LineStatus): StatusSection {
  return {
    title: `Ext ${line} Status`,
    rows: [
      { label: 'User ID', value: userId },
      { label: 'Registration State', value: LINE_WORDS[state] },
      { label: 'Since', value: since === undefined ? '' : localStamp(agent, since) },
    ],
  }
}

function element(name: string, value: string): string {
  return value === '' ? `<${name}/>` : `<${name}>${escapeXml(value)}</${name}>`
}

function elementName(label: string): string {
  return label.replace(/ /g, '_')
}
