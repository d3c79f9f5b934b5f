/** The Event header of what is asked of a phone. Source: MPP §8. */
import type { ActionKind } from '../../store/mod.ts'

const EVENTS: Readonly<Record<ActionKind, string>> = {
  resync: 'resync',
  reboot: 'reboot_now',
  restart: 'restart_now',
  report: 'report',
}

/** @param profile a URL for this resync only, without quotes, blanks and control characters */
export function eventHeader(kind: ActionKind, profile: string | undefined): string {
  return kind === 'resync' && profile !== undefined ? `resync;profile="${profile}"` : EVENTS[kind]
}
