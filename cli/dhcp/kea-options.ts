/** Which Kea the commands of `offhook dhcp kea` are about. */
import type { Command } from 'commander'
import { usageProblem } from '../exit-codes.ts'
import { type KeaChannel, openKea } from './kea-channel.ts'

export function addChannelOptions(command: Command): Command {
  return command
    .option('--control <where>', 'UNIX socket of kea-dhcp4, or URL of a control agent [KEA_USER, KEA_PASSWORD]')
    .option('--control6 <where>', 'the same of kea-dhcp6')
}

/** Throws CliProblem (usage) when none is named. */
export function channelsOf(options: Readonly<Record<string, unknown>>): readonly KeaChannel[] {
  const access = { user: process.env['KEA_USER'], password: process.env['KEA_PASSWORD'] }
  const named = [
    { service: 'dhcp4', where: options['control'] },
    { service: 'dhcp6', where: options['control6'] },
  ] as const
  const channels = named.flatMap(({ service, where }) =>
    typeof where === 'string' ? [openKea(where, service, access)] : [],
  )
  if (channels.length > 0) return channels
  throw usageProblem(
    'which Kea? Give --control with the path of its socket ("control-socket" in its configuration, often /run/kea/kea4-ctrl-socket), or the URL of a control agent, e.g. http://127.0.0.1:8000/',
  )
}
