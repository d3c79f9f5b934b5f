/** Messages of devices under trace. */
import { type CwmpMessage, writeCwmp } from '../../protocol/cwmp/mod.ts'
import { maskMessage } from '../tr069/mod.ts'
import type { AcsContext } from './context.ts'
import type { Session } from './session.ts'

/** Characters of a cookie by which a session is named: not enough to be taken for it. */
const NAME_CHARS = 8

/** @param message undefined: an empty one */
export function trace(
  context: AcsContext,
  session: Session,
  sender: 'CPE' | 'ACS',
  message: CwmpMessage | undefined,
): void {
  if (!session.traced) return
  const { body } = message ?? { body: undefined }
  context.store.message({
    mac: session.mac,
    session: session.cookie.slice(0, NAME_CHARS),
    at: context.now(),
    sender,
    kind: body === undefined ? 'empty' : body.kind === 'Unknown' ? body.name.slice(0, 64) : body.kind,
    text: message === undefined ? '' : writeCwmp(maskMessage(message)),
  })
}
