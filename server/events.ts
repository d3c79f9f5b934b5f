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
  'device.enabled': {
    text: 'Enabled again',
    meaning: 'A disabled phone may prove itself again; it starts anew with fresh keys.',
    advice: 'Nothing to do.',
  },
  'device.deleted': {
    text: 'Deleted',
    meaning: 'The phone was taken out of the list; what happened to it stays here.',
    advice: 'Nothing to do. It counts as unknown if it asks again.',
  },
  'device.replaced': {
    text: 'Replaced by another phone',
    meaning: 'Lines, layer, features and batch moved from one phone to another, and the lines got new passwords.',
    advice: 'Give the new line passwords to the registrar if it does not read them here.',
  },
  'batch.shipped': {
    text: 'Batch shipped',
    meaning:
      'The batch is locked. `devices` says how many phones are in it, `unready` how many of them were not ready and shipped all the same.',
    advice: 'Nothing to do; a batch that was shipped by mistake can be opened again.',
  },
  'line.assigned': {
    text: 'Line put on the phone',
    meaning: 'An operator gave the phone a line; it gets it with its next fetch.',
    advice: 'Nothing to do.',
  },
  'line.unassigned': {
    text: 'Line taken off the phone',
    meaning: 'An operator took a line off the phone.',
    advice: 'If the line got a new password, give it to the registrar if it does not read it here.',
  },
  'tr069.first-contact': {
    text: 'First call to the ACS',
    meaning: 'The phone called by TR-069 for the first time, or anew after a reset or a change of its ACS URL.',
    advice: 'Nothing to do.',
  },
  'tr069.session-failed': {
    text: 'TR-069 session broken off',
    meaning: 'A session with the ACS ended before its end; what was not done is done in the next.',
    advice: 'If it happens again and again, trace the phone and look at its messages.',
  },
  'tr069.refused': {
    text: 'Refused by the ACS',
    meaning: 'The phone called the ACS and was turned away; the reason is given. Told at most once an hour.',
    advice: 'Compare what the phone is with what is registered.',
  },
  'tr069.quarantined': {
    text: 'Waits at the ACS',
    meaning:
      'A phone that is not bound yet called the ACS; it is listened to and told nothing. Told at most once an hour.',
    advice: 'Bind it, or register it if it is yours.',
  },
  'tr069.value-refused': {
    text: 'Value refused by the phone',
    meaning: 'The phone did not take a wished value; it is not asked again until another value is wished.',
    advice: 'Look at the fault, and change or remove the value.',
  },
  'tr069.task-asked': {
    text: 'TR-069 task asked for',
    meaning: 'An operator asked for a task.',
    advice: 'Nothing to do.',
  },
  'tr069.task-done': { text: 'TR-069 task done', meaning: 'The phone did what was asked.', advice: 'Nothing to do.' },
  'tr069.task-failed': {
    text: 'TR-069 task failed',
    meaning: 'The phone answered a task with a fault.',
    advice: 'Look at the fault; ask again when its cause is gone.',
  },
  'tr069.task-expired': {
    text: 'TR-069 task expired',
    meaning: 'The phone did not do the task before its deadline.',
    advice: 'Look at when the phone last called, and ask again.',
  },
  'tr069.task-cancelled': {
    text: 'TR-069 task called off',
    meaning: 'An operator called a task off; what was sent already may still be done.',
    advice: 'Nothing to do.',
  },
  'tr069.transfer-unknown': {
    text: 'Report of an unknown transfer',
    meaning: 'The phone reported the end of a transfer that no open task has asked for.',
    advice: 'Nothing to do; it may have been reported twice, or asked for by another server.',
  },
  'tr069.woken': {
    text: 'Called when asked',
    meaning: 'Something waited for the phone; it says by which way it was reached and how long that took.',
    advice: 'If it takes long, see whether the phone can be reached by a connection request.',
  },
  'tr069.wake-failed': {
    text: 'Could not be asked to call',
    meaning:
      'The connection request did not reach the phone, or it refused; what waits is done when it calls by itself.',
    advice: 'See whether the address of its connection request can be reached from here and is allowed.',
  },
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
  'device.drift': {
    text: 'Its difference from what is wanted changed',
    meaning:
      'A report showed elements with another value than the profile wants (`count` above 0), or that all of them are as wanted again (`count` 0).',
    advice: 'Look at the drift of the device: it names the elements and the likely reason of each.',
  },
  'syslog.message': {
    text: 'Said by syslog',
    meaning: 'A log line in the name of this phone. UDP proves nothing, so this is only claimed.',
    advice: 'Compare it with what the phone fetched.',
  },
  'problem-report.received': {
    text: 'Problem report received',
    meaning: 'The phone sent the archive of its problem report tool.',
    advice: 'Download it; it is deleted after its time.',
  },
  'problem-report.refused': {
    text: 'Problem report refused',
    meaning: 'The phone sent a problem report that was not kept; the reason stands in the data.',
    advice: 'Look at the reason.',
  },
  'action.asked': {
    text: 'Something was asked of the phone',
    meaning: 'Somebody, or the platform itself, asked for a resync, a restart or a report.',
    advice: 'Nothing to do; what comes of it follows here.',
  },
  'action.accepted': {
    text: 'The phone said yes',
    meaning: 'The phone answered the request with success. It acts as soon as no line is in a call.',
    advice: 'Nothing to do.',
  },
  'action.came-back': {
    text: 'Came back after it was asked',
    meaning: 'A believed request of the phone arrived after it had said yes.',
    advice: 'Nothing to do.',
  },
  'action.runs-version': {
    text: 'Runs the wanted profile after it was asked',
    meaning: 'The phone named the marker of the profile that is wanted.',
    advice: 'Nothing to do.',
  },
  'action.failed': {
    text: 'Could not be asked',
    meaning: 'The proxy or the phone refused, or could not be reached; the reason stands in the data.',
    advice: 'Look at the reason: is the phone registered, is our account at the proxy right, is the line’s password?',
  },
  'action.timed-out': {
    text: 'Asked in vain',
    meaning: 'What was to follow did not happen in time: the answer, the next request, or the wanted profile.',
    advice: 'Look at the last step of the action, and at the phone’s last requests.',
  },
  'action.cancelled': {
    text: 'Called off',
    meaning: 'Somebody called the request off. A phone that was told already does what it was told.',
    advice: 'Nothing to do.',
  },
  'alarm.raised': {
    text: 'An alarm was raised',
    meaning: 'The watch found something that a person should look at; its kind and subject stand in the data.',
    advice: 'Look at the alarm: it names the likely reason and what to do.',
  },
  'alarm.cleared': {
    text: 'An alarm is over',
    meaning: 'What the alarm was about has not been seen any more.',
    advice: 'Nothing to do.',
  },
  'certificate.renewed': {
    text: 'The server has a new certificate',
    meaning: 'A certificate was fetched by ACME and is in force in every process; open connections go on.',
    advice: 'Nothing to do.',
  },
  'certificate.renewal-failed': {
    text: 'A certificate could not be fetched',
    meaning:
      'The authority or its look at our HTTP port failed; the reason stands in the data. The old certificate stays.',
    advice:
      'Look at the reason. It is tried again by itself, less and less often; "offhook certificate acme --renew" tries at once.',
  },
  'certificate.ending': {
    text: 'A certificate ends soon',
    meaning: 'It ends within the days that stand in the data. Phones refuse a server whose certificate has ended.',
    advice: 'Have it renewed: "offhook certificate show" says where it came from.',
  },
  'webhook.disabled': {
    text: 'Webhook disabled',
    meaning: 'Its receiver took no delivery for three days. Events are kept for it no longer.',
    advice: 'Put the receiver right, try it with a test delivery, then enable the webhook again.',
  },
} as const satisfies Record<string, EventMeaning>

export type EventName = keyof typeof EVENTS
