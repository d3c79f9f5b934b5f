/** Every message that an operator may see in a timeline: its name, what it means and what to do about it. */
export interface EventMeaning {
  readonly text: string
  readonly meaning: string
  readonly advice: string
}

export const EVENTS = {
  'device.bound': {
    text: 'Bound to the account',
    meaning:
      'The phone proved itself by its certificate and was tied to the account by a code, a confirmed window or its registration.',
    advice: 'Nothing to do.',
  },
  'device.held': {
    text: 'Waits for confirmation',
    meaning:
      'A certified phone came with the Customer ID inside an open enrolment window. It has no line until somebody confirms it.',
    advice: 'Compare MAC and serial with the label, then confirm or release it.',
  },
  'device.confirmed': {
    text: 'Confirmed by a person',
    meaning: 'A held phone was confirmed.',
    advice: 'Nothing to do.',
  },
  'device.released': {
    text: 'Released by its account',
    meaning: 'The phone gets one farewell profile without lines and secrets, and its line passwords were changed.',
    advice: 'Give the new line passwords to the registrar if it does not read them here.',
  },
  'device.disabled': {
    text: 'Disabled',
    meaning: 'The phone gets one farewell profile and is refused from then on.',
    advice: 'Register it again to use it.',
  },
  'device.farewell': {
    text: 'Farewell served',
    meaning: 'The phone fetched its farewell profile.',
    advice: 'Nothing to do.',
  },
  'device.registered': {
    text: 'Registered in advance',
    meaning: 'MAC and serial number were entered before the phone asked for anything.',
    advice: 'Nothing to do.',
  },
  'device.changed': { text: 'Changed', meaning: 'An operator changed the device.', advice: 'Nothing to do.' },
  'profile.served': { text: 'Profile served', meaning: 'The phone fetched its own profile.', advice: 'Nothing to do.' },
  'profile.running': {
    text: 'Runs a version of its profile',
    meaning: 'The phone named the marker of the profile that it runs.',
    advice: 'If it stays different from the wanted version, look at the phone’s last fetches.',
  },
  'key.issued': {
    text: 'Profile key issued',
    meaning: 'A new profile key went to the phone.',
    advice: 'Nothing to do.',
  },
  'key.confirmed': {
    text: 'Profile key confirmed',
    meaning: 'A believed request named the new key generation; older keys were dropped.',
    advice: 'Nothing to do.',
  },
  'rc.redirected': {
    text: 'Redirected by RC',
    meaning: 'The sealed phone learned its profile rule here.',
    advice: 'Nothing to do.',
  },
  'rc.unowned': {
    text: 'RC request of an unowned phone',
    meaning: 'A certified phone that nobody registered asked for its redirect and got the empty answer.',
    advice: 'Register the phone if it is yours.',
  },
  'fetch.refused': {
    text: 'Refused',
    meaning: 'A request got the common refusal; the reason stands in the data and is never told to the phone.',
    advice: 'Look at the reason.',
  },
  'identity.mismatch': {
    text: 'Certificate of another phone',
    meaning:
      'A phone with its own certificate asked for the URL of another phone, or its serial number differs from ours.',
    advice: 'Find out who holds the phone that asked.',
  },
  'identity.wrong-ca': {
    text: 'Known phone under another CA',
    meaning: 'The same MAC was proved by another device CA than at first.',
    advice: 'If the certificate was really renewed, release the device: it may then be bound under its new CA.',
  },
  'binding.refused': {
    text: 'Binding refused: bound elsewhere',
    meaning: 'A bound phone came with a code or Customer ID of another account.',
    advice: 'Its present account must release it first.',
  },
  'report.received': {
    text: 'Report received',
    meaning: 'The phone sent a configuration or status report.',
    advice: 'Nothing to do.',
  },
} as const satisfies Record<string, EventMeaning>

export type EventName = keyof typeof EVENTS
